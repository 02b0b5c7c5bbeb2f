import type { ComputeRecord } from "../../store.ts";

/** US dollars that a compute has cost until then, as far as its price is known. */
export function costSoFar(record: ComputeRecord, now: Date): number {
  if (record.costSince === null || record.costPerHour === null) return record.costBefore;
  const hours = Math.max(0, now.getTime() - record.costSince.getTime()) / 3_600_000;
  return record.costBefore + hours * record.costPerHour;
}
