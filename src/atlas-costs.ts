/** The client's operation that sums costs. */
import { AtlasNotes } from "./atlas-notes.ts";
import type { Context } from "./lifecycle/context.ts";
import type { Costs, CostsOptions } from "./lifecycle/money/costs.ts";
import { loadLifecycle } from "./load-lifecycle.ts";

/** The part of a client that knows costs. */
export abstract class AtlasCosts extends AtlasNotes {
  readonly #context: Context;

  /** @internal */
  constructor(context: Context) {
    super(context);
    this.#context = context;
  }

  /**
   * Sums the costs of the namespace by user, provider or GPU, the dearest key first: all days from `from` to `to`, which are UTC days and both count; of
   * this month by default. It knows the last 400 days, also of computes that are not recorded any more, and counts what runs up to now.
   * @throws VALIDATION
   *
   * @example
   * ```ts
   * import { createAtlas } from "atlas-compute";
   * import { mock } from "atlas-compute/mock";
   *
   * const atlas = createAtlas({ providers: [mock()] });
   * for (const { key, cost, seconds } of await atlas.costs({ by: "user", from: "2026-11-01", to: "2026-11-30" }))
   *   console.log(`${key} cost $${cost.toFixed(2)} in ${Math.round(seconds / 3600)} hours`);
   * ```
   */
  async costs(options: CostsOptions): Promise<readonly Costs[]> {
    const { costs } = await loadLifecycle();
    return costs(this.#context, options);
  }
}
