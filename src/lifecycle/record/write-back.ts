/** Writing back what a provider has done, where the record must not miss it. */
import { isAtlasError } from "../../errors.ts";
import { backoffSeconds } from "../../internal/backoff.ts";
import { retry } from "../../internal/retry.ts";
import type { ComputeRecord } from "../../store.ts";
import type { Context } from "../context.ts";
import { changeRecord, type Decide } from "./change.ts";

const WRITE_SECONDS = 30;
const WRITE_PAUSE = { firstSeconds: 0.1, maxSeconds: 5 };

/** Changes a record after an act at the provider, and tries again within the call where the store fails in passing. */
export function writeBack(context: Context, id: string, decide: Decide): Promise<ComputeRecord> {
  const { clock, logger } = context;
  const waitSeconds = (error: unknown, tries: number): number | undefined => {
    if (!isAtlasError(error) || error.code !== "STORE_UNAVAILABLE" || !error.retryable) return undefined;
    logger.warn(`compute ${id} could not be recorded yet: trying again`, {
      computeId: id,
      error: error.message,
    });
    return backoffSeconds(WRITE_PAUSE, tries);
  };
  return retry({ clock, withinSeconds: WRITE_SECONDS, waitSeconds }, () => changeRecord(context, id, decide));
}
