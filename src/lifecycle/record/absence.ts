/** The meaning of an instance that its provider does not show. One look proves little, and a look that shows nothing at all proves less. Pure. */
import type { ComputeRecord } from "../../store.ts";
import { after } from "./time.ts";

/** The time between the two looks that a single absence needs. */
const ABSENCE_SECONDS = 30;

/** The time for which a look that shows none of several computes ends none: the key may be another account's, or the API may err. */
const WHOLESALE_SECONDS = 900;

/**
 * A doubt against an absence: the provider shows nothing at all of ours (`wholesale`), its key is known to be another account's (`account`), or a list that was
 * read afterwards has the instance (`listed`).
 */
export type Doubt = "none" | "wholesale" | "account" | "listed";

/** The doubts that a look cannot overcome, however often it misses. */
const STANDING: ReadonlySet<Doubt> = new Set(["account", "listed"]);

/** True when a look at that time that misses this instance, after the looks before it, proves that it is gone. */
export function isProvenAbsent({ absentSince }: ComputeRecord, at: Date, doubt: Doubt): boolean {
  if (absentSince === null || STANDING.has(doubt)) return false;
  return after(absentSince, doubt === "wholesale" ? WHOLESALE_SECONDS : ABSENCE_SECONDS) <= at;
}

/** The time from which an instance counts as missed, after a look that missed it. A look against which such a doubt stands was none. */
export function missedSince({ absentSince }: ComputeRecord, now: Date, doubt: Doubt): Date | null {
  return STANDING.has(doubt) ? null : (absentSince ?? now);
}

/** The patch of a record whose instance a look missed: it is looked for again soon. */
export function absentPatch(
  record: ComputeRecord,
  now: Date,
  doubt: Doubt,
): Pick<ComputeRecord, "absentSince" | "checkAt"> {
  return { absentSince: missedSince(record, now, doubt), checkAt: after(now, ABSENCE_SECONDS) };
}
