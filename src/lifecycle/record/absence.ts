/** The meaning of an instance that its provider does not show. One look proves little, and a look that shows nothing at all proves less. Pure. */
import type { ComputeRecord } from "../../store.ts";
import { after } from "./time.ts";

/** The time between the two looks that a single absence needs. */
export const ABSENCE_SECONDS = 30;

/** The time for which a look that shows none of several computes ends none: the key may be another account's, or the API may err. */
export const WHOLESALE_SECONDS = 900;

/** True when a look that misses this instance, after the looks before it, proves that it is gone. */
export function isProvenAbsent({ absentSince }: ComputeRecord, now: Date, isWholesale: boolean): boolean {
  const seconds = isWholesale ? WHOLESALE_SECONDS : ABSENCE_SECONDS;
  return absentSince !== null && after(absentSince, seconds) <= now;
}

/** The patch of a record whose instance a look missed: it is looked for again soon. */
export function absentPatch(
  { absentSince }: ComputeRecord,
  now: Date,
): Pick<ComputeRecord, "absentSince" | "checkAt"> {
  return { absentSince: absentSince ?? now, checkAt: after(now, ABSENCE_SECONDS) };
}
