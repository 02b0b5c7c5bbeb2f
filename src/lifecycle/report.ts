/** What a pod reports of itself: the last of each kind stays on its compute, and every report is an event. */
import type { ComputeRecord } from "../store.ts";
import { changeRecord, isEnded } from "./change.ts";
import type { Environment } from "./environment.ts";

/** The kinds of reports. */
export type ReportKind = "heartbeat" | "status" | "gpu-health" | "metrics" | "logs";

/** Records a report, with the store's time. One of a compute that has ended changes nothing. */
export function recordReport(
  environment: Environment,
  id: string,
  kind: ReportKind,
  body: Readonly<Record<string, unknown>>,
): Promise<ComputeRecord> {
  return changeRecord(environment, id, (record, now) =>
    isEnded(record.status)
      ? undefined
      : {
          patch: { reports: { ...record.reports, [kind]: { ...body, at: now.toISOString() } } },
          event: { type: "report", data: { kind, ...body } },
        },
  );
}
