/** Small rules of the store contract that every store here keeps in the same way. */

import { AtlasError } from "../../errors.ts";
import type { ComputeRecord, Limits, RecordFilter, Snapshot, TokenHash } from "../../store.ts";
import type { TenantRecord } from "../../tenant-store.ts";

/** Whether a record accepts this token at that time. */
export function accepts(record: ComputeRecord, hash: string, kind: TokenHash["kind"], now: Date): boolean {
  return record.tokens.some(
    (token) =>
      token.hash === hash && token.kind === kind && (token.expiresAt === null || token.expiresAt > now),
  );
}

/** Whether this credential is the tenant's at that time. */
export function belongsTo({ credentials }: TenantRecord, hash: string, now: Date): boolean {
  return credentials.some(
    (credential) => credential.hash === hash && (credential.expiresAt === null || credential.expiresAt > now),
  );
}

/** Whether anything is limited, so that it has to be counted. */
export function isLimited(limits: Limits): boolean {
  return Object.values(limits).some((limit) => limit !== undefined);
}

/** The error for a record whose id or name another record has. */
export function taken(record: ComputeRecord): AtlasError {
  return new AtlasError(
    "CONFLICT",
    `A compute with the id "${record.id}" or the name "${record.name}" is recorded already; nothing was written`,
    { computeId: record.id },
  );
}

/**
 * The number behind an event's id; 0, which is before the first event, when there is none.
 * @throws VALIDATION when it is no event id.
 */
export function eventPosition(after: string | undefined): number {
  const position = Number(after ?? "0");
  if (/^\d+$/.test(after ?? "0") && Number.isSafeInteger(position)) return position;
  throw new AtlasError("VALIDATION", "after is not the id of an event: only its decimal digits are allowed");
}

/** Whether a filter lets a record through. */
export function matches(record: ComputeRecord, filter: RecordFilter): boolean {
  return (
    (filter.userId === undefined || filter.userId === record.userId) &&
    (filter.tenantId === undefined || filter.tenantId === record.tenantId) &&
    (filter.provider === undefined || filter.provider === record.provider) &&
    (filter.statuses === undefined || filter.statuses.includes(record.status)) &&
    (filter.names === undefined || filter.names.includes(record.name))
  );
}

/** Sorts what was claimed: longest due first. */
export function longestDueFirst(left: Snapshot, right: Snapshot): number {
  return (left.record.dueAt?.getTime() ?? 0) - (right.record.dueAt?.getTime() ?? 0);
}
