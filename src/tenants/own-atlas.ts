import { Atlas } from "../atlas.ts";
import type { Compute } from "../compute.ts";
import type { Context } from "../lifecycle/context.ts";
import type { ReapOptions, ReapReport } from "../lifecycle/reap/reap.ts";

/** The tenants, as the application's own Atlas uses them. */
export interface Others {
  /** Finds the tenant's Atlas in which this token belongs to a compute. */
  atlasForToken(candidate: unknown): Promise<Atlas | undefined>;
  /** Reaps for each tenant. */
  reap(options: ReapOptions): Promise<readonly ReapReport[]>;
}

/** The application's own Atlas: it sees only its own computes, but it finds tokens and reaps for its tenants too. */
export class OwnAtlas extends Atlas {
  readonly #others: Others;

  constructor(context: Context, others: Others) {
    super(context);
    this.#others = others;
  }

  override async findByToken(candidate: unknown): Promise<Compute | undefined> {
    return (
      (await super.findByToken(candidate)) ??
      (await this.#others.atlasForToken(candidate))?.findByToken(candidate)
    );
  }

  override async reap(options: ReapOptions = {}): Promise<ReapReport> {
    const reports = [await super.reap(options), ...(await this.#others.reap(options))];
    return {
      terminated: reports.flatMap(({ terminated }) => terminated),
      settled: reports.flatMap(({ settled }) => settled),
      vanished: reports.flatMap(({ vanished }) => vanished),
      orphans: reports.flatMap(({ orphans }) => orphans),
      failed: reports.flatMap(({ failed }) => failed),
      remaining: reports.some(({ remaining }) => remaining),
    };
  }
}
