/** Every page of the list of pods. */

import type { CallContext } from "../../call-context.ts";
import { AtlasError } from "../../errors.ts";
import type { HttpClient } from "../../internal/http.ts";
import { type Pod, podPageSchema } from "./wire.ts";

const PAGE_SIZE = 100;

/**
 * All pods of the account. A pod that moves from one page to the next while we read is there once.
 * @throws PROVIDER when the pages do not come to an end.
 */
export async function listPods(http: HttpClient, context: CallContext): Promise<readonly Pod[]> {
  const pods = new Map<string, Pod>();
  const cursors = new Set<string>();
  let cursor: string | undefined;
  do {
    const query = { limit: PAGE_SIZE, cursor };
    const page = await http.read(
      { method: "GET", path: "/pods", query, idempotent: true },
      podPageSchema,
      context,
    );
    for (const pod of page.pods) pods.set(pod.id, pod);
    cursor = nextCursor(page.pagination);
    if (cursor !== undefined && cursors.has(cursor))
      throw brokenPages("the cursor of its pages repeats itself");
    if (cursor !== undefined) cursors.add(cursor);
  } while (cursor !== undefined);
  return [...pods.values()];
}

type Pagination = {
  readonly nextCursor?: string | null | undefined;
  readonly hasNextPage?: boolean | null | undefined;
};

function nextCursor(pagination: Pagination | null | undefined): string | undefined {
  const { nextCursor: next, hasNextPage } = pagination ?? {};
  if (hasNextPage === true && !next) throw brokenPages("it speaks of a next page and does not say which");
  return hasNextPage === false || !next ? undefined : next;
}

function brokenPages(what: string): AtlasError {
  return new AtlasError("PROVIDER", `runpod: GET /pods cannot be read to its end: ${what}`, {
    provider: "runpod",
  });
}
