/** How a record changes: by compare-and-swap, with its deadlines, its cost and its event kept in step. */
import { AtlasError } from "../../errors.ts";
import { compareAndSwap } from "../../internal/compare-and-swap.ts";
import { isComputeId } from "../../internal/names.ts";
import { describe } from "../../internal/parse.ts";
import type { ComputeRecord, ComputeStatus, EndReason, Limits, NewEvent, Snapshot } from "../../store.ts";
import type { Context } from "../context.ts";
import { notify } from "../notify.ts";
import { costSoFar } from "./cost.ts";

/** What may change of a record; the rest follows from it. */
export type Patch = Partial<
  Omit<
    ComputeRecord,
    "id" | "namespace" | "name" | "version" | "createdAt" | "updatedAt" | "dueAt" | "costBefore"
  >
>;

/** A wanted change, and what to tell about it beside a change of status. */
export interface Change {
  readonly patch: Patch;
  readonly event?: { readonly type: NewEvent["type"]; readonly data: Readonly<Record<string, unknown>> };
}

/**
 * Changes a record. `decide` is asked again whenever somebody else changed the record meanwhile; `undefined` from it leaves everything as it is.
 * @returns the record after the change, or as it was left.
 * @throws NOT_FOUND when there is no such compute.
 */
export async function changeRecord(
  context: Context,
  id: string,
  decide: (record: ComputeRecord, now: Date) => Change | undefined,
  limits?: Limits,
): Promise<ComputeRecord> {
  return compareAndSwap(
    { clock: context.clock, what: `compute ${id}`, facts: { computeId: id } },
    async () => {
      const { record, now } = await loadRecord(context, id);
      const change = decide(record, now);
      if (change === undefined) return record;
      const next = applyPatch(record, change.patch, now);
      const event = eventOf(record, next, change);
      if (!(await context.store.replace(next, event, limits))) return undefined;
      tell(context, next, event);
      return next;
    },
  );
}

/** Reads a record. @throws NOT_FOUND */
export async function loadRecord(context: Context, id: string): Promise<Snapshot> {
  const { store, namespace } = context;
  const snapshot = isComputeId(id) ? await store.get(namespace, id) : undefined;
  if (snapshot !== undefined) return snapshot;
  throw new AtlasError("NOT_FOUND", `there is no compute ${describe(id)} in namespace ${namespace}`);
}

/** Hands an event that was written to the application's hook and the log; neither can disturb what wrote it. */
export function tell(context: Context, record: ComputeRecord, event: NewEvent | undefined): void {
  if (event === undefined) return;
  const { id: computeId, provider, updatedAt: at } = record;
  context.logger.info(`compute ${computeId} is ${event.status}`, { computeId, provider, ...event.data });
  notify(context, "onEvent", context.onEvent, { ...event, computeId, at });
}

/** The record after a patch, at that time: version, deadlines, cost. Pure. */
export function applyPatch(record: ComputeRecord, patch: Patch, now: Date): ComputeRecord {
  const costBefore = costSoFar(record, now);
  const costSince =
    patch.costSince === null ? null : record.costSince === null ? (patch.costSince ?? null) : now;
  const next = { ...record, ...patch, costBefore, costSince, version: record.version + 1, updatedAt: now };
  return {
    ...next,
    dueAt: dueAtOf(next),
  };
}

/** While a task that failed is put off, nothing is due before its next try: what is down must not crowd out everything else. */
function dueAtOf(record: ComputeRecord): Date | null {
  const { attempts, bootDeadline, idleDeadline, lifetimeDeadline, checkAt } = record;
  return attempts > 0 && checkAt !== null
    ? checkAt
    : earliest(bootDeadline, idleDeadline, lifetimeDeadline, checkAt);
}

/** The earliest of the times that are set, or null. */
export function earliest(...times: readonly (Date | null)[]): Date | null {
  return times.reduce(
    (first, time) => (first === null || (time !== null && time < first) ? time : first),
    null,
  );
}

/** That many seconds later; null stays null. */
export function after(now: Date, seconds: number): Date;
export function after(now: Date, seconds: number | null): Date | null;
export function after(now: Date, seconds: number | null): Date | null {
  return seconds === null ? null : new Date(now.getTime() + seconds * 1000);
}

/** The event of a record that is in its state now. */
export function stateEvent(record: ComputeRecord, data: NewEvent["data"] = {}): NewEvent {
  const { provider, region } = record;
  return { ...eventFacts(record), type: "state", data: { provider, ...(region && { region }), ...data } };
}

/** The event of a change: of its new status, or what the change asks to tell. */
function eventOf(before: ComputeRecord, next: ComputeRecord, { event }: Change): NewEvent | undefined {
  if (before.status !== next.status) return stateEvent(next, event?.data);
  return event && { ...eventFacts(next), ...event };
}

function eventFacts({
  status,
  reason,
  costPerHour,
  costBefore,
}: ComputeRecord): Omit<NewEvent, "type" | "data"> {
  return { status, reason, costSoFar: costPerHour === null ? null : costBefore };
}

const NOTHING_DUE = {
  bootDeadline: null,
  idleDeadline: null,
  lifetimeDeadline: null,
  checkAt: null,
} as const;
const NO_LEASE = { lease: null, leaseUntil: null } as const;

/** The patch that begins an end: stored before the provider is asked, due at once, and never taken back. */
export function terminatingPatch(reason: EndReason, now: Date): Patch {
  return { ...NOTHING_DUE, ...NO_LEASE, status: "terminating", reason, checkAt: now, attempts: 0 };
}

/** The patch of an end that is final. */
export function endedPatch(status: "terminated" | "failed", reason: EndReason, now: Date): Patch {
  return { ...NOTHING_DUE, ...NO_LEASE, status, reason, endedAt: now, costSince: null, attempts: 0 };
}

/** Whether nothing can follow on this state. */
export function isEnded(status: ComputeStatus): boolean {
  return status === "terminated" || status === "failed";
}
