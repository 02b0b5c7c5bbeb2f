/** The sign that a reaper works: a note of a pass in the store, which `doctor` and `spawn --detach` look for. */
import type { Context } from "../context.ts";
import { messageOf } from "../failures.ts";

/** One note is written in each span, and read in the next one too, so that a live reaper always shows one. */
const SPAN_SECONDS = 180;
/** A read leaves an empty note where there is none, because the store can only remember. It has expired at once, so that it is in no pass's way. */
const EMPTY_SECONDS = 0;

/** The longest age of the pass that a sign tells of. */
export const SIGN_SECONDS: number = 2 * SPAN_SECONDS;

type Parts = Pick<Context, "store" | "namespace">;

/** Notes that a pass has ended. A failure is logged: the next pass notes. */
export async function notePass({ store, namespace, logger }: Parts & Pick<Context, "logger">): Promise<void> {
  try {
    const now = await store.now();
    const value = now.toISOString();
    await store.remember({ namespace, name: nameOf(spanOf(now)), value, seconds: SIGN_SECONDS });
  } catch (error) {
    logger.warn("the pass of the reaper could not be noted", { error: messageOf(error) });
  }
}

/** The time of a recent pass, by the store's clock; `undefined` when none ended in the last minutes. @throws CONFLICT as `Store.remember` */
export async function recentPass({ store, namespace }: Parts): Promise<Date | undefined> {
  const span = spanOf(await store.now());
  for (const name of [nameOf(span), nameOf(span - 1)]) {
    const value = await store.remember({ namespace, name, value: "", seconds: EMPTY_SECONDS });
    if (value !== "") return new Date(value);
  }
  return undefined;
}

function spanOf(now: Date): number {
  return Math.floor(now.getTime() / 1000 / SPAN_SECONDS);
}

function nameOf(span: number): string {
  return `reaper ${span}`;
}
