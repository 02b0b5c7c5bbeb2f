/** Lists of computes: a promise of a page, and an iteration over all pages. */
import type { Compute } from "./compute.ts";

/** One page, newest first. Iterated, it yields every compute from this page on. */
export interface ComputePage extends AsyncIterable<Compute> {
  /** The computes of this page. */
  readonly computes: readonly Compute[];
  /** The cursor of the next page; null on the last one. */
  readonly nextCursor: string | null;
}

/** A promise of the first page. Iterated, it yields every compute, page after page, beginning with the same first page. */
export interface ComputeList extends Promise<ComputePage>, AsyncIterable<Compute> {}

type ReadPage = (cursor: string | null) => Promise<Omit<ComputePage, typeof Symbol.asyncIterator>>;

/** Makes a list from a reader of pages; the first page is read at once, and only once. */
export function computeList(readPage: ReadPage): ComputeList {
  const first: Promise<ComputePage> = readPage(null).then((page) => ({
    ...page,
    [Symbol.asyncIterator]: () => everyCompute(page, readPage),
  }));
  return Object.assign(first, {
    [Symbol.asyncIterator]: () => {
      first.catch(toldByIterator);
      return everyCompute(first, readPage);
    },
  });
}

/** Marks a rejection as handled, because the iterator throws it too: a list that is only iterated must not end the process. */
function toldByIterator(): void {}

async function* everyCompute(
  first: Awaited<ReturnType<ReadPage>> | Promise<ComputePage>,
  readPage: ReadPage,
): AsyncGenerator<Compute, void, undefined> {
  let page: Awaited<ReturnType<ReadPage>> = await first;
  yield* page.computes;
  while (page.nextCursor !== null) {
    page = await readPage(page.nextCursor);
    yield* page.computes;
  }
}
