/** Retention: the reaper deletes what is old, a bounded part in each pass. */

import { dayOf, LEDGER_DAYS } from "../store.ts";
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
    const now = await store.now();
    const endedBefore = after(now, -endedSeconds);
    const ledgerBefore = dayOf(after(now, -LEDGER_DAYS * 86_400));
    await store.forget({
      namespace,
      endedBefore,
      computeIds,
      eventsPerCompute,
      ledgerBefore,
      limit: RETENTION_LIMIT,
    });
  } catch (error) {
    logger.warn("old records could not be deleted", { error: messageOf(error) });
  }
}
