/** The state of one pass of the reaper: one list for each provider, and a count of each provider's failures. */
import { AtlasError } from "../../errors.ts";
import type { Instance, Provider } from "../../provider.ts";
import { doubtIn, type Listing, readListing } from "../belief.ts";
import type { Context } from "../context.ts";
import { isOutage } from "../failures.ts";
import type { Doubt } from "../record/absence.ts";

/** After this many failures in a row a provider is left alone for the rest of the pass. */
const FAILURES_UNTIL_DOWN = 3;

/** One pass. */
export class ReapPass {
  readonly context: Context;
  readonly signal: AbortSignal | undefined;
  readonly #lists = new Map<string, Promise<Listing>>();
  readonly #doubts = new Map<string, Promise<Doubt>>();
  readonly #failures = new Map<string, number>();
  readonly #leaseEnd: number;

  constructor(context: Context, signal: AbortSignal | undefined) {
    const { clock, timing } = context;
    this.context = context;
    this.signal = signal;
    this.#leaseEnd = clock.now().getTime() + timing.leaseSeconds * 1000;
  }

  /** True when the caller gave up, or the leases of the claimed records are over. The pass then begins nothing more. */
  get isOver(): boolean {
    return this.signal?.aborted === true || this.context.clock.now().getTime() >= this.#leaseEnd;
  }

  /** Lists every instance of the namespace at this provider: once a pass, in full or not at all. */
  list(provider: Provider): Promise<Listing> {
    const known = this.#lists.get(provider.name);
    if (known !== undefined) return known;
    const listing = readListing(this.context, provider, this.signal);
    this.#lists.set(provider.name, listing);
    return listing;
  }

  /** Finds the doubt against each absence in the list of the pass, once. */
  doubtOf(provider: Provider): Promise<Doubt> {
    const known = this.#doubts.get(provider.name);
    if (known !== undefined) return known;
    const doubt = this.list(provider).then((listing) => doubtIn(this.context, provider, listing));
    this.#doubts.set(provider.name, doubt);
    return doubt;
  }

  /** Finds the whole instances of this exact name with this store's owner tag, in the pass's one list. */
  async findByName(provider: Provider, name: string): Promise<readonly Instance[]> {
    const owner = await this.context.store.identity();
    const { instances } = await this.list(provider);
    return instances.filter(
      (instance) => instance.name === name && instance.owner === owner && instance.status !== "terminated",
    );
  }

  /** @throws UNAVAILABLE when the provider failed too often in this pass to be asked again */
  requireUp(provider: string): void {
    if ((this.#failures.get(provider) ?? 0) < FAILURES_UNTIL_DOWN) return;
    throw new AtlasError("UNAVAILABLE", `${provider} did not answer in this pass`);
  }

  /** Counts the failures in a row of the provider. */
  note(provider: string, error?: AtlasError): void {
    const failed = error !== undefined && isOutage(error);
    this.#failures.set(provider, failed ? (this.#failures.get(provider) ?? 0) + 1 : 0);
  }
}
