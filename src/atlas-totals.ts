/** The client's questions about all computes at once. */
import { AtlasLinks } from "./atlas-links.ts";
import type { Context } from "./lifecycle/context.ts";
import type { TotalsOptions } from "./lifecycle/list.ts";
import { loadLifecycle } from "./load-lifecycle.ts";
import type { ComputeEvent, Total } from "./store.ts";

/** The part of a client that counts. */
export abstract class AtlasTotals extends AtlasLinks {
  readonly #context: Context;

  /** @internal */
  constructor(context: Context) {
    super(context);
    this.#context = context;
  }

  /**
   * Counts computes and adds up their cost, in groups of the same user, provider, status or GPU: the costliest group per hour first.
   * @throws VALIDATION
   *
   * @example
   * ```ts
   * import { createAtlas } from "atlas-compute";
   * import { mock } from "atlas-compute/mock";
   *
   * const atlas = createAtlas({ providers: [mock()] });
   * await atlas.spawnCompute({ gpu: "h100", userId: "ada", ports: [8000] });
   * for (const { keys, computes, costPerHour } of await atlas.totals({ by: ["userId"] }))
   *   console.log(keys[0], computes, costPerHour); // ada 1 2.99
   * ```
   */
  async totals(options: TotalsOptions): Promise<readonly Total[]> {
    const { addUp } = await loadLifecycle();
    return addUp(this.#context, options);
  }

  /** Reads events of every compute, oldest first: those behind an event, or without one the newest. @internal */
  async allEvents(after: string | undefined, limit: number): Promise<readonly ComputeEvent[]> {
    const { allEvents } = await loadLifecycle();
    return allEvents(this.#context, after, limit);
  }
}
