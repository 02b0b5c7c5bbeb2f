/** What a pod reports of itself: the last of each kind stays on its compute, and every report is an event. */
import type { ComputeRecord } from "../store.ts";
import type { Context } from "./context.ts";
import { after, type Change, changeRecord, isEnded, type Patch } from "./record/change.ts";

/** The kinds of reports. */
export type ReportKind = "heartbeat" | "status" | "gpu-health" | "metrics" | "logs";

type ReportBody = Readonly<Record<string, unknown>>;

/** Events are kept for good, so of a larger report they tell the size; the report itself is on the compute until the next one. */
const MAX_IN_EVENT = 8192;

/** Records a report, with the store's time. A heartbeat is a sign of life, too. One of a compute that has ended changes nothing. */
export function recordReport(
  context: Context,
  id: string,
  kind: ReportKind,
  body: ReportBody,
): Promise<ComputeRecord> {
  return changeRecord(context, id, (record, now) => {
    if (isEnded(record.status)) return undefined;
    const reports = { ...record.reports, [kind]: { ...body, at: now.toISOString() } };
    const signOfLife = kind === "heartbeat" ? touchedPatch(record, now) : {};
    return { patch: { reports, ...signOfLife }, event: reportEvent(kind, body) };
  });
}

function touchedPatch({ idleDeadline, idleTimeoutSeconds }: ComputeRecord, now: Date): Patch {
  return { lastActiveAt: now, idleDeadline: idleDeadline && after(now, idleTimeoutSeconds) };
}

function reportEvent(kind: ReportKind, body: ReportBody): NonNullable<Change["event"]> {
  const bytes = Buffer.byteLength(JSON.stringify(body));
  return { type: "report", data: bytes <= MAX_IN_EVENT ? { kind, ...body } : { kind, bytes } };
}
