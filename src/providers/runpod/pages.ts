/** Reads all pages of the list of pods. */

import type { CallContext } from "../../call-context.ts";
import { AtlasError } from "../../errors.ts";
import type { RunpodApi } from "./api.ts";
import type { Pod, PodPage } from "./wire.ts";

const PAGE_SIZE = 100;

/**
 * All pods of the account. A pod that moves to the next page during the read is in the result once.
 * @throws PROVIDER when the pages do not end.
 */
export async function listPods(api: RunpodApi, context: CallContext): Promise<readonly Pod[]> {
  const pods = new Map<string, Pod>();
  const cursors = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await api.pods(PAGE_SIZE, cursor, context);
    for (const pod of page.pods) pods.set(pod.id, pod);
    cursor = nextCursor(page.pagination);
    if (cursor !== undefined && cursors.has(cursor)) throw brokenPagesError("a cursor repeats");
    if (cursor !== undefined) cursors.add(cursor);
  } while (cursor !== undefined);
  return [...pods.values()];
}

function nextCursor(pagination: PodPage["pagination"]): string | undefined {
  const { nextCursor: next, hasNextPage } = pagination ?? {};
  if (hasNextPage === true && !next) throw brokenPagesError("it announces a next page without a cursor");
  return hasNextPage === false || !next ? undefined : next;
}

function brokenPagesError(reason: string): AtlasError {
  return new AtlasError("PROVIDER", `runpod: GET /pods cannot be read to its end: ${reason}`, {
    provider: "runpod",
  });
}
