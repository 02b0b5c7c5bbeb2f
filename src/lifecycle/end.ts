/** Ending a compute: the intent is stored first, then the provider is asked, and the end is final when the instance is proven gone. */
import { isAtlasError } from "../errors.ts";
import type { ComputeRecord } from "../store.ts";
import { type ActOptions, noteOf, toBy } from "./actor.ts";
import type { Context } from "./context.ts";
import { endInstance } from "./end-instance.ts";
import { changeRecord } from "./record/change.ts";
import { hasBegunToEnd, isEnded } from "./record/facts.ts";
import { changeHeld, takeLease } from "./record/lease.ts";
import { retryPatch, terminatingPatch } from "./record/patch.ts";

const CONFIRM_PAUSES_SECONDS: readonly number[] = [0.25, 0.5, 1, 2, 4];

/**
 * Ends a compute for a caller: stores the intent, asks the provider, and waits some seconds for the proof.
 * @returns the record: `terminated` when that is proven, else `terminating`, with the failure in `lastError`; the reaper then goes on.
 */
export async function terminate(context: Context, id: string, options?: ActOptions): Promise<ComputeRecord> {
  const by = toBy("terminate", options);
  const record = await changeRecord(context, id, ({ status }, now) =>
    hasBegunToEnd(status) ? undefined : { patch: terminatingPatch("requested", now), ...noteOf(by) },
  );
  return isEnded(record.status) ? record : endCompute(context, record);
}

/** Carries out a stored end under a lease. Does nothing when another worker holds it. A failure is put off to the reaper. */
export async function endCompute(context: Context, { id }: ComputeRecord): Promise<ComputeRecord> {
  const { record, isOurs } = await takeLease(context, id);
  if (!isOurs) return record;
  try {
    return await endInstance(context, record, CONFIRM_PAUSES_SECONDS);
  } catch (error) {
    if (!isAtlasError(error) || error.code === "STORE_UNAVAILABLE") throw error;
    context.logger.warn(`compute ${id} could not be ended yet`, { computeId: id, code: error.code });
    return changeHeld(context, record, (current, now) => ({
      patch: retryPatch(current, error.message, now),
    }));
  }
}
