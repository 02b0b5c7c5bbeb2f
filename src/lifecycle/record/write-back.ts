/** Work on a record that a passing failure of the store must not end. */
import { type AtlasError, isAtlasError } from "../../errors.ts";
import { backoffSeconds } from "../../internal/backoff.ts";
import { retry } from "../../internal/retry.ts";
import type { ComputeRecord } from "../../store.ts";
import type { Context } from "../context.ts";
import { changeRecord, type Decide } from "./change.ts";

const WRITE_SECONDS = 30;
const WRITE_PAUSE = { firstSeconds: 0.1, maxSeconds: 5 };

/**
 * Changes a record after an act at the provider, and tries again within the call where the store fails in passing: a token and perhaps a pod are lost
 * with the outcome of a create. Giving up the call does not stop it.
 */
export function writeBack(context: Context, id: string, decide: Decide): Promise<ComputeRecord> {
  return throughStoreFailures(context, id, () => changeRecord(context, id, decide));
}

/** Repeats work on a record while the store fails in passing, for half a minute. */
export function throughStoreFailures<Result>(
  { clock, logger }: Context,
  id: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const waitSeconds = (error: unknown, tries: number): number | undefined => {
    if (!isPassingOfStore(error)) return undefined;
    logger.warn(`compute ${id} could not be recorded yet: trying again`, {
      computeId: id,
      error: error.message,
    });
    return backoffSeconds(WRITE_PAUSE, tries);
  };
  return retry({ clock, withinSeconds: WRITE_SECONDS, waitSeconds }, work);
}

/** True for a failure of the store after which the same call may succeed. */
export function isPassingOfStore(error: unknown): error is AtlasError {
  return isAtlasError(error) && error.code === "STORE_UNAVAILABLE" && error.retryable;
}
