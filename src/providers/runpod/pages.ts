/** Reads all pages of the list of pods. */

import * as z from "zod/mini";
import type { CallContext } from "../../call-context.ts";
import { AtlasError } from "../../errors.ts";
import { isTooLong, misfit } from "../../internal/http-errors.ts";
import type { RunpodApi } from "./api.ts";
import { type Pod, type PodPage, podSchema } from "./wire.ts";

const PAGE_SIZE = 100;
const MAX_PAGES = 1000;

/**
 * The pods of the account whose names satisfy the condition. A pod that moves to the next page during the read is in the result once. The
 * pods of other programs may have any form, and are left out unread.
 * @throws PROVIDER when one of these pods is malformed, or when the pages do not end.
 */
export async function listPods(
  api: RunpodApi,
  isWanted: (name: string) => boolean,
  context: CallContext,
): Promise<readonly Pod[]> {
  const pods = new Map<string, Pod>();
  for await (const page of readPages(api, context))
    for (const pod of page.pods)
      if (pod.name !== null && isWanted(pod.name)) {
        const parsed = parsePod(pod);
        pods.set(parsed.id, parsed);
      }
  return [...pods.values()];
}

function parsePod(pod: PodPage["pods"][number]): Pod {
  const parsed = z.safeParse(podSchema, pod);
  if (parsed.success) return parsed.data;
  throw brokenPagesError(`of the pod ${pod.name}, ${misfit(parsed.error)}`);
}

async function* readPages(api: RunpodApi, context: CallContext): AsyncGenerator<PodPage, void, undefined> {
  const cursors = new Set<string>();
  let limit = PAGE_SIZE;
  let cursor: string | undefined;
  for (let count = 0; count < MAX_PAGES; ) {
    const page = await pageUnlessTooLong(api, limit, cursor, context);
    if (page === undefined) {
      limit = Math.ceil(limit / 2);
      continue;
    }
    yield page;
    count += 1;
    cursor = nextCursor(page.pagination);
    if (cursor === undefined) return;
    if (cursors.has(cursor)) throw brokenPagesError("a cursor repeats");
    cursors.add(cursor);
  }
  throw brokenPagesError(`it has more than ${MAX_PAGES} pages`);
}

/** One page; `undefined` when it is too long to be read, and may be read with fewer pods. */
async function pageUnlessTooLong(
  api: RunpodApi,
  limit: number,
  cursor: string | undefined,
  context: CallContext,
): Promise<PodPage | undefined> {
  try {
    return await api.pods(limit, cursor, context);
  } catch (error) {
    if (limit > 1 && isTooLong(error)) return undefined;
    throw error;
  }
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
