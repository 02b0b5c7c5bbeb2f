/** What happens to pods without anybody asking: boots that fail or never end, and hosts that die. */
import type { Clock } from "../../src/clock.ts";
import type { FakeRunpod } from "../fakes/runpod.ts";
import { Random } from "./random.ts";

const INCIDENTS = { none: 88, failedBoot: 2, endlessBoot: 2, vanishing: 8 } as const;

/** The incidents of the pods that come from now on: which pod meets which is decided by the seed and the pod's id. */
export class Incidents {
  /** The pods that went away by themselves. */
  readonly vanished = new Set<string>();
  readonly #fake: FakeRunpod;
  readonly #clock: Clock;
  readonly #seed: number;
  #seen: number;

  constructor(fake: FakeRunpod, clock: Clock, seed: number) {
    this.#fake = fake;
    this.#clock = clock;
    this.#seed = seed;
    this.#seen = fake.pods.length;
  }

  /** Decides about the pods that are new. */
  happen(): void {
    for (const { id } of this.#fake.pods.slice(this.#seen)) this.#meet(id);
    this.#seen = this.#fake.pods.length;
  }

  #meet(podId: string): void {
    const random = new Random(this.#seed, "pod", podId);
    const incident = random.weighted(INCIDENTS);
    if (incident === "failedBoot") this.#fake.setStatus(podId, "ERROR");
    if (incident === "endlessBoot") this.#fake.setStatus(podId, "STARTING");
    if (incident === "vanishing")
      void this.#clock.sleep((5 + random.below(60)) * 1000).then(() => this.#vanish(podId));
  }

  #vanish(podId: string): void {
    const pod = this.#fake.pods.find(({ id }) => id === podId);
    if (pod === undefined || this.#fake.statusOf(pod) === "TERMINATED") return;
    this.vanished.add(podId);
    this.#fake.setStatus(podId, "TERMINATED");
  }
}
