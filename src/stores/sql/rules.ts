/** Small rules of the store contract, shared by every store of this package. */

import { AtlasError } from "../../errors.ts";
import type { ComputeRecord, Limits, RecordFilter, Snapshot, TokenHash } from "../../store.ts";
import type { TenantRecord } from "../../tenant-store.ts";

/** True when a record accepts this token at that time. */
export function accepts(record: ComputeRecord, hash: string, kind: TokenHash["kind"], now: Date): boolean {
  return record.tokens.some(
    (token) =>
      token.hash === hash && token.kind === kind && (token.expiresAt === null || token.expiresAt > now),
  );
}

/** True when the tenant can present this credential at that time. */
export function belongsTo({ credentials }: TenantRecord, hash: string, now: Date): boolean {
  return credentials.some(
    (credential) => credential.hash === hash && (credential.expiresAt === null || credential.expiresAt > now),
  );
}

/** True when a limit is set, so that the store has to count. */
export function isLimited(limits: Limits): boolean {
  return Object.values(limits).some((limit) => limit !== undefined);
}

/** Builds the error for a record whose id or name another record has. */
export function taken(record: ComputeRecord): AtlasError {
  return new AtlasError(
    "CONFLICT",
    `A compute with the id "${record.id}" or the name "${record.name}" is recorded already; nothing was written`,
    { computeId: record.id },
  );
}

/**
 * Parses the id of an event; without one the result is 0, which is before the first event.
 * @throws VALIDATION when the text is not the id of an event.
 */
export function eventPosition(after: string | undefined): number {
  const position = Number(after ?? "0");
  if (/^\d+$/.test(after ?? "0") && Number.isSafeInteger(position)) return position;
  throw new AtlasError("VALIDATION", "after is not the id of an event: only its decimal digits are allowed");
}

/** True when a record matches a filter. */
export function matches(record: ComputeRecord, filter: RecordFilter): boolean {
  return (
    (filter.userId === undefined || filter.userId === record.userId) &&
    (filter.slot === undefined || filter.slot === record.slot) &&
    (filter.tenantId === undefined || filter.tenantId === record.tenantId) &&
    (filter.provider === undefined || filter.provider === record.provider) &&
    (filter.statuses === undefined || filter.statuses.includes(record.status)) &&
    (filter.names === undefined || filter.names.includes(record.name)) &&
    (filter.search === undefined || isFoundBy(record, filter.search))
  );
}

function isFoundBy({ id, name, providerId, userId, slot }: ComputeRecord, search: string): boolean {
  return [id, name, providerId, userId, slot].some((text) => text?.includes(search));
}

/** Compares claimed records: longest due first. */
export function longestDueFirst(left: Snapshot, right: Snapshot): number {
  return (left.record.dueAt?.getTime() ?? 0) - (right.record.dueAt?.getTime() ?? 0);
}
