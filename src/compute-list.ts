/** Lists of computes: a page to await, and everything to iterate. */
import type { Compute } from "./compute.ts";

/** One page, newest first. */
export interface ComputePage extends AsyncIterable<Compute> {
  readonly computes: readonly Compute[];
  /** Where the next page begins; null on the last one. */
  readonly nextCursor: string | null;
}

/** Awaited it is its first page; iterated it is every compute, page after page. */
export class ComputeList implements PromiseLike<ComputePage>, AsyncIterable<Compute> {
  readonly #read: (cursor: string | null) => Promise<Omit<ComputePage, typeof Symbol.asyncIterator>>;

  /** @internal */
  constructor(read: (cursor: string | null) => Promise<Omit<ComputePage, typeof Symbol.asyncIterator>>) {
    this.#read = read;
  }

  // biome-ignore lint/suspicious/noThenProperty: awaiting a list for its first page is what it is for.
  then<Resolved = ComputePage, Rejected = never>(
    onResolved?: ((page: ComputePage) => Resolved | PromiseLike<Resolved>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Resolved | Rejected> {
    const page = this.#read(null).then((first) => ({
      ...first,
      [Symbol.asyncIterator]: () => this.#from(first),
    }));
    return page.then(onResolved, onRejected);
  }

  /** Every compute from the first page on. */
  [Symbol.asyncIterator](): AsyncIterator<Compute> {
    return this.#from(undefined);
  }

  async *#from(
    first: Omit<ComputePage, typeof Symbol.asyncIterator> | undefined,
  ): AsyncGenerator<Compute, void, undefined> {
    let page = first ?? (await this.#read(null));
    yield* page.computes;
    while (page.nextCursor !== null) {
      page = await this.#read(page.nextCursor);
      yield* page.computes;
    }
  }
}
