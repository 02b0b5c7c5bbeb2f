/** The end of a live record of a copied store. */
import type { ComputeRecord } from "../../store.ts";

/** The record after the adoption of a copy, which ended it. */
export function abandoned(record: ComputeRecord, now: Date): ComputeRecord {
  const nothing = {
    bootDeadline: null,
    idleDeadline: null,
    lifetimeDeadline: null,
    checkAt: null,
    budgetDeadline: null,
    dueAt: null,
  };
  const ended = { status: "terminated", reason: "abandoned", endedAt: now, updatedAt: now } as const;
  const cleared = { absentSince: null, costSince: null, lease: null, leaseUntil: null };
  return { ...record, ...nothing, ...cleared, ...ended, version: record.version + 1 };
}
