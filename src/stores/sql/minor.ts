/**
 * Minor changes: signs of life, looks, leases and reports, which are nearly all changes of a compute. They touch no limit, no slot, no token and no
 * status, so a store writes them with one short statement.
 */
import type { ComputeRecord } from "../../store.ts";
import { type Column, recordColumns } from "./columns.ts";

/** The fields that a minor change may set. PostgreSQL has them in the function of a migration too, so the list changes only with a new function. */
const MINOR_FIELDS = [
  "version",
  "costBefore",
  "costSince",
  "updatedAt",
  "lastActiveAt",
  "absentSince",
  "actedAt",
  "answeredAt",
  "lookedAt",
  "looks",
  "warnedEnd",
  "bootDeadline",
  "idleDeadline",
  "lifetimeDeadline",
  "checkAt",
  "dueAt",
  "lease",
  "leaseUntil",
  "attempts",
  "lastError",
  "reports",
] as const satisfies readonly (keyof ComputeRecord)[];

const isMinorField: ReadonlySet<string> = new Set(MINOR_FIELDS);

/** The columns of {@link MINOR_FIELDS}, in the order of the list. */
export const minorColumns: readonly Column[] = MINOR_FIELDS.map((field) => recordColumns[field]);

/** True when a change sets minor fields only. */
export function isMinor(changed: Partial<ComputeRecord>): boolean {
  return Object.keys(changed).every((field) => isMinorField.has(field));
}
