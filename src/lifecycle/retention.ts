/** Retention: the reaper deletes what is old, a bounded part in each pass. */
import { type Context, RETENTION_LIMIT } from "./context.ts";
import { messageOf } from "./failures.ts";
import { after } from "./record/time.ts";

/** Deletes old records, and the surplus events of these computes. A failure is logged: the next pass deletes. */
export async function forgetOld(
  { store, namespace, retention, logger }: Context,
  computeIds: readonly string[],
): Promise<void> {
  const { endedSeconds, eventsPerCompute } = retention;
  try {
    const endedBefore = after(await store.now(), -endedSeconds);
    await store.forget({ namespace, endedBefore, computeIds, eventsPerCompute, limit: RETENTION_LIMIT });
  } catch (error) {
    logger.warn("old records could not be deleted", { error: messageOf(error) });
  }
}
