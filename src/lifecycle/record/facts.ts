/** Facts that follow from a record. Pure. */
import type { ComputeRecord, ComputeStatus } from "../../store.ts";

/** True when no other state can follow. */
export function isEnded(status: ComputeStatus): boolean {
  return status === "terminated" || status === "failed";
}

/** True once an end has begun, and after it. */
export function hasBegunToEnd(status: ComputeStatus): boolean {
  return status === "terminating" || isEnded(status);
}

/** The cost of a compute until then in US dollars, as far as its price is known. */
export function costSoFar(record: ComputeRecord, now: Date): number {
  if (record.costSince === null || record.costPerHour === null) return record.costBefore;
  const hours = Math.max(0, now.getTime() - record.costSince.getTime()) / 3_600_000;
  return record.costBefore + hours * record.costPerHour;
}
