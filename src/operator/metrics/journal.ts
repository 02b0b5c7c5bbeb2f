/**
 * Counts what happened since this process began to look, from the events of every compute in the store. Each process that answers `/metrics` counts
 * everything, whichever process it happened in: alert on one of them, or on their maximum, not on their sum.
 */
import type { Atlas } from "../../atlas.ts";
import { BoundedMap } from "../../internal/bounded-map.ts";
import type { ComputeEvent } from "../../store.ts";
import { refusalsOf } from "../compute-data.ts";
import { Counter, Histogram } from "./counts.ts";
import type { Family } from "./text.ts";

const PAGE = 1000;
/** The number of pages that one call reads at most; the next call goes on. */
const MAX_PAGES = 20;
/** The computes under way whose last state is kept, to measure the time to the next one. */
const MAX_UNDER_WAY = 20_000;

const SPAWN_BOUNDS = [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300];
const BOOT_BOUNDS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800];

/** The state that a compute reached last, and when. */
type Reached = Pick<ComputeEvent, "status" | "at">;

/** The counts of one process. */
export class Journal {
  readonly #atlas: Atlas;
  readonly #reached = new BoundedMap<string, Reached>(MAX_UNDER_WAY);
  readonly #spawns = new Histogram(
    "atlas_spawn_seconds",
    "From the record of a compute to the answer of the provider that placed it",
    SPAWN_BOUNDS,
  );
  readonly #boots = new Histogram(
    "atlas_boot_seconds",
    "From the provider's answer to a create or start until the instance runs",
    BOOT_BOUNDS,
  );
  readonly #refusals = new Counter(
    "atlas_refusals",
    "Candidates that refused a compute, by the code of the refusal",
  );
  readonly #failures = new Counter("atlas_spawn_failures", "Spawns that failed, by the code of the failure");
  readonly #ends = new Counter("atlas_ends", "Computes that ended, by the reason");
  #position: string | undefined;
  #reading: Promise<void> = Promise.resolve();

  constructor(atlas: Atlas) {
    this.#atlas = atlas;
  }

  /** Counts the events since the last call, and returns all counts. Calls at the same time count nothing twice. */
  async families(): Promise<readonly Family[]> {
    const reading = this.#reading.then(() => this.#read());
    this.#reading = reading.catch(() => undefined);
    await reading;
    return [this.#spawns, this.#boots, this.#refusals, this.#failures, this.#ends].map((one) => one.family());
  }

  async #read(): Promise<void> {
    if (this.#position === undefined) {
      const [newest] = await this.#atlas.allEvents(undefined, 1);
      this.#position = newest?.id ?? "0";
      return;
    }
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const events = await this.#atlas.allEvents(this.#position, PAGE);
      for (const event of events) this.#count(event);
      this.#position = events.at(-1)?.id ?? this.#position;
      if (events.length < PAGE) return;
    }
  }

  #count(event: ComputeEvent): void {
    const { computeId, type, status, reason, data, at } = event;
    for (const { provider, code } of refusalsOf(data)) this.#refusals.count({ provider, code });
    if (type !== "state") return;
    const provider = typeof data.provider === "string" ? data.provider : "unknown";
    const before = this.#reached.get(computeId);
    if (before !== undefined) this.#measure(before, event, provider);
    if (status === "failed" && typeof data.code === "string")
      this.#failures.count({ provider, code: data.code });
    if (status === "terminated" || status === "failed") {
      this.#ends.count({ provider, reason: reason ?? "unknown" });
      this.#reached.delete(computeId);
      return;
    }
    this.#reached.set(computeId, { status, at });
  }

  #measure(before: Reached, { status, at }: Reached, provider: string): void {
    const seconds = Math.max(0, (at.getTime() - before.at.getTime()) / 1000);
    const isPlaced = status === "provisioning" || status === "running";
    if (before.status === "pending" && isPlaced) this.#spawns.observe({ provider }, seconds);
    if (before.status === "provisioning" && status === "running") this.#boots.observe({ provider }, seconds);
  }
}
