/** Reports of a pod about itself. The last of each kind stays on its compute, and every report is an event. */
import type { ComputeRecord } from "../store.ts";
import type { Context } from "./context.ts";
import { changeRecord } from "./record/change.ts";
import { isEnded } from "./record/facts.ts";
import { type RecordChange, touchedPatch } from "./record/patch.ts";

/** The kinds of reports. */
export type ReportKind = "heartbeat" | "status" | "gpu-health" | "metrics" | "logs";

type ReportBody = Readonly<Record<string, unknown>>;

/** Events are kept, so the event of a larger report carries only its size. The report itself is on the compute until the next one. */
const MAX_IN_EVENT = 8192;

/** Records a report, with the store's time. A heartbeat is also a sign of life. A report about an ended compute changes nothing. */
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

function reportEvent(kind: ReportKind, body: ReportBody): NonNullable<RecordChange["event"]> {
  const bytes = Buffer.byteLength(JSON.stringify(body));
  return { type: "report", data: bytes <= MAX_IN_EVENT ? { kind, ...body } : { kind, bytes } };
}
