/** The most that was alive at a provider at one moment. */

import type { FakeRunpod } from "../fakes/runpod.ts";
import { CPU_TYPES, GPU_TYPES } from "../fakes/runpod-catalogue.ts";
import type { FakePod } from "../fakes/runpod-pods.ts";
import type { Peaks } from "./messages.ts";

/** The variable that tells whose pod it is. */
export const USER_VARIABLE = "CHAOS_USER";

/** The user that a pod was spawned for. */
export function userOf({ body }: FakePod): string {
  return body.env?.[USER_VARIABLE] ?? "";
}

/** Watches the pods of a fake, as far as they count. */
export class PeakWatch {
  peaks: Peaks = { computes: 0, computesPerUser: 0, costPerHour: 0, costPerHourPerUser: 0 };
  readonly #fake: FakeRunpod;
  readonly #counts: (pod: FakePod) => boolean;

  constructor(fake: FakeRunpod, counts: (pod: FakePod) => boolean) {
    this.#fake = fake;
    this.#counts = counts;
  }

  /** Notes what is alive now, as far as it is more than ever before. */
  look(): void {
    const alive = this.#fake.pods.filter(
      (pod) => this.#fake.statusOf(pod) !== "TERMINATED" && this.#counts(pod),
    );
    const byUser = [...Map.groupBy(alive, userOf).values()];
    const { computes, computesPerUser, costPerHour, costPerHourPerUser } = this.peaks;
    this.peaks = {
      computes: Math.max(computes, alive.length),
      computesPerUser: Math.max(computesPerUser, ...byUser.map(({ length }) => length)),
      costPerHour: Math.max(costPerHour, costOf(alive)),
      costPerHourPerUser: Math.max(costPerHourPerUser, ...byUser.map(costOf)),
    };
  }
}

function costOf(pods: readonly FakePod[]): number {
  return pods.reduce((sum, pod) => sum + priceOf(pod), 0);
}

function priceOf({ body: { gpu, cpu, cloud } }: FakePod): number {
  if (gpu === undefined)
    return (CPU_TYPES.find(({ id }) => id === cpu?.id)?.price ?? 0) * (cpu?.vcpuCount ?? 0);
  const type = GPU_TYPES.find(({ id }) => id === gpu.id);
  return ((cloud === "COMMUNITY" ? type?.community : type?.secure)?.price ?? 0) * (gpu.count ?? 1);
}
