/** The planned end of a compute, and its warning. Pure. */
import type { ComputeRecord, ComputeStatus, EndReason } from "../../store.ts";
import { after, isPast } from "./time.ts";

/** Seconds until a compute ends that its provider stopped and that has no idle timeout of its own. */
export const STOPPED_SECONDS = 1800;

/** A planned end. */
export interface Ending {
  readonly at: Date;
  readonly reason: EndReason;
}

const WARNED: ReadonlySet<ComputeStatus> = new Set(["provisioning", "running", "stopped"]);

/** The reason for an end at the idle deadline. A compute that its application stopped has no such deadline. */
export function idleReason({ status }: ComputeRecord): EndReason {
  return status === "stopped" ? "stopped_by_provider" : "idle";
}

/** The earliest planned end; `undefined` where none is planned, or the end has begun. */
export function plannedEnd(record: ComputeRecord): Ending | undefined {
  if (!WARNED.has(record.status)) return undefined;
  const ends: readonly (readonly [Date | null, EndReason])[] = [
    [record.lifetimeDeadline, "max_lifetime"],
    [record.budgetDeadline, "budget"],
    [record.idleDeadline, idleReason(record)],
  ];
  return ends.reduce<Ending | undefined>(
    (first, [at, reason]) => (at !== null && (first === undefined || at < first.at) ? { at, reason } : first),
    undefined,
  );
}

/** The seconds before this end at which its warning comes: those of the request, but at most half of the timeout. A budget has no timeout. */
export function warningSeconds(record: ComputeRecord, { at, reason }: Ending): number {
  const { warnBeforeEndSeconds, idleTimeoutSeconds, createdAt } = record;
  if (reason === "budget") return warnBeforeEndSeconds;
  const lifetimeSeconds = (at.getTime() - createdAt.getTime()) / 1000;
  const timeout = reason === "max_lifetime" ? lifetimeSeconds : (idleTimeoutSeconds ?? STOPPED_SECONDS);
  return Math.min(warnBeforeEndSeconds, timeout / 2);
}

/** The time of the next warning; null where it was written already, or none comes. */
export function warnAt(record: ComputeRecord): Date | null {
  const ending = plannedEnd(record);
  if (ending === undefined || record.warnedEnd?.getTime() === ending.at.getTime()) return null;
  const seconds = warningSeconds(record, ending);
  return seconds > 0 ? after(ending.at, -seconds) : null;
}

/** The planned end, when its warning is due or was written. */
export function endingSoon(record: ComputeRecord, now: Date): Ending | undefined {
  const ending = plannedEnd(record);
  if (ending === undefined) return undefined;
  const seconds = warningSeconds(record, ending);
  return seconds > 0 && isPast(after(ending.at, -seconds), now) ? ending : undefined;
}
