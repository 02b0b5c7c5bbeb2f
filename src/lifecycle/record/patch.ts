/** Patches: the parts of a record that a step changes. Deadlines, version and cost follow from them here. Pure. */
import { backoffSeconds } from "../../internal/backoff.ts";
import {
  type ComputeRecord,
  type ComputeStatus,
  costSoFar,
  type DaySpending,
  type EndReason,
  type NewEvent,
  settledDays,
} from "../../store.ts";
import { warnAt } from "./ending.ts";
import { after, earliest } from "./time.ts";

/** The fields of a record that a step may set; the others follow from them. */
export type Patch = Partial<
  Omit<
    ComputeRecord,
    "id" | "namespace" | "name" | "version" | "createdAt" | "updatedAt" | "dueAt" | "costBefore" | "settledAt"
  >
>;

/** A patch, and the facts to tell beside a change of status. */
export interface RecordChange {
  readonly patch: Patch;
  readonly event?: { readonly type: NewEvent["type"]; readonly data: Readonly<Record<string, unknown>> };
}

const RETRY = { firstSeconds: 5, maxSeconds: 300 };

/** The record after a patch, at that time. */
export function applyPatch(record: ComputeRecord, patch: Patch, now: Date): ComputeRecord {
  const costs = costsAfter(record, patch, now);
  const next = {
    ...record,
    ...patch,
    ...costs,
    ...(costs.costSince === null && { budgetDeadline: null }),
    version: record.version + 1,
    updatedAt: now,
  };
  return { ...next, dueAt: dueAtOf(next) };
}

/** The costs that the change from this record to the next one settles, which the ledger takes in the same step. */
export function spentBy(record: ComputeRecord, next: ComputeRecord): readonly DaySpending[] {
  const isSettled = record.costSince !== null && next.costSince !== record.costSince;
  return isSettled ? settledDays(record, next.updatedAt) : [];
}

/** A run of costs that stops, or goes on at another price, is settled. Any other run goes on as it is. */
function costsAfter(
  record: ComputeRecord,
  patch: Patch,
  now: Date,
): Pick<ComputeRecord, "costBefore" | "costSince" | "settledAt"> {
  const { costBefore, costSince, settledAt } = record;
  if (costSince === null) return { costBefore, costSince: patch.costSince ?? null, settledAt };
  const { costPerHour = record.costPerHour } = patch;
  if (patch.costSince !== null && costPerHour === record.costPerHour)
    return { costBefore, costSince, settledAt };
  const since = patch.costSince === null ? null : now;
  return { costBefore: costSoFar(record, now), costSince: since, settledAt: settledAt ?? now };
}

/** A task that failed is due at its next try and not before, so that a provider that is down does not crowd out the others. */
function dueAtOf(record: ComputeRecord): Date | null {
  const { attempts, bootDeadline, idleDeadline, lifetimeDeadline, budgetDeadline, checkAt } = record;
  return attempts > 0 && checkAt !== null
    ? checkAt
    : earliest(bootDeadline, idleDeadline, lifetimeDeadline, budgetDeadline, checkAt, warnAt(record));
}

const NOTHING_DUE = {
  absentSince: null,
  bootDeadline: null,
  idleDeadline: null,
  lifetimeDeadline: null,
  budgetDeadline: null,
  checkAt: null,
};

/** The patch that gives a lease back. */
export const NO_LEASE: { readonly lease: null; readonly leaseUntil: null } = {
  lease: null,
  leaseUntil: null,
};

/** The patch that begins an end. It is stored before the provider is asked, is due at once, and is never taken back. */
export function terminatingPatch(reason: EndReason, now: Date): Patch {
  return { ...NOTHING_DUE, ...NO_LEASE, status: "terminating", reason, checkAt: now, attempts: 0 };
}

/** The patch of an end that is final. */
export function endedPatch(status: "terminated" | "failed", reason: EndReason, now: Date): Patch {
  return { ...NOTHING_DUE, ...NO_LEASE, status, reason, endedAt: now, costSince: null, attempts: 0 };
}

/** The patch that puts off a try that failed or is not finished: longer each time. */
export function retryPatch({ attempts }: ComputeRecord, lastError: string | null, now: Date): Patch {
  const checkAt = after(now, backoffSeconds(RETRY, attempts));
  return { ...NO_LEASE, checkAt, attempts: attempts + 1, lastError };
}

/** The patch of a sign of life: the idle deadline of a running compute moves, and never back. */
export function touchedPatch(record: ComputeRecord, now: Date): Patch {
  const { status, idleDeadline, idleTimeoutSeconds } = record;
  const moved = after(now, idleTimeoutSeconds);
  const isLater = status === "running" && idleDeadline !== null && moved !== null && moved > idleDeadline;
  return { lastActiveAt: now, idleDeadline: isLater ? moved : idleDeadline };
}

/** Looks by a reaper: the first ones soon, later ones seldom. */
const LOOKS = { firstSeconds: 15, maxSeconds: 300 };

/** The patch after a look of a reaper that found the compute in this state. */
export function lookedPatch(record: ComputeRecord, status: ComputeStatus, now: Date): Patch {
  const looks = status === record.status ? record.looks + 1 : 0;
  return { looks, lookedAt: now, checkAt: after(now, backoffSeconds(LOOKS, looks)) };
}
