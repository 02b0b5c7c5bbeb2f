/** Reports of a pod about itself. The last of each kind stays on its compute, and every report is an event. */

import { orAfter } from "../internal/within.ts";
import type { ComputeRecord, Snapshot } from "../store.ts";
import type { Context } from "./context.ts";
import { messageOf } from "./failures.ts";
import { lookNow } from "./looks/looks.ts";
import { changeRecord, type Decide } from "./record/change.ts";
import { isEnded } from "./record/facts.ts";
import { type Patch, type RecordChange, touchedPatch } from "./record/patch.ts";

/** The kinds of reports. */
export type ReportKind = "heartbeat" | "status" | "gpu-health" | "metrics" | "logs";

type ReportBody = Readonly<Record<string, unknown>>;

/** Events are kept, so the event of a larger report carries only its size. The report itself is on the compute until the next one. */
const MAX_IN_EVENT = 8192;

/** The longest time that a report waits for the look that it causes. */
const LOOK_SECONDS = 5;

/**
 * Records a report, with the store's time. A heartbeat is also a sign of life, and so is any status of a pod that has not been ready yet. A report about
 * an ended compute changes nothing, and a heartbeat without signs is not written. The report of a pod that is ready, or that lives while its
 * compute is provisioning, causes one look.
 */
export async function recordReport(
  context: Context,
  id: string,
  kind: ReportKind,
  body: ReportBody,
  known?: Snapshot,
): Promise<ComputeRecord> {
  const signs = kind === "heartbeat" ? body.signs : undefined;
  const isEmpty = Array.isArray(signs) && signs.length === 0;
  const decide: Decide = (current, now) => {
    if (isEnded(current.status) || isEmpty) return undefined;
    const reports = { ...current.reports, [kind]: { ...body, at: now.toISOString() } };
    const patch = { reports, ...signOfLife(current, kind, body, now) };
    return { patch, event: reportEvent(kind, body) };
  };
  const record = await changeRecord(context, id, decide, { known });
  if (!causesLook(record, kind, body)) return record;
  return (await orAfter(context.clock, LOOK_SECONDS, look(context, id))) ?? record;
}

/** A status counts until the pod has answered once: a server that begins again and again is no use of the pod. */
function signOfLife(record: ComputeRecord, kind: ReportKind, body: ReportBody, now: Date): Patch {
  if (kind === "heartbeat") return { ...touchedPatch(record, now), answeredAt: record.answeredAt ?? now };
  if (kind !== "status" || record.answeredAt !== null) return {};
  return { ...touchedPatch(record, now), answeredAt: body.status === "ready" ? now : null };
}

function causesLook({ status }: ComputeRecord, kind: ReportKind, body: ReportBody): boolean {
  return (
    status === "provisioning" && (kind === "heartbeat" || (kind === "status" && body.status === "ready"))
  );
}

/** Looks at the compute. A failure of its provider does not fail the report: later looks follow. */
async function look(context: Context, id: string): Promise<ComputeRecord | undefined> {
  try {
    return await lookNow(context, id);
  } catch (error) {
    context.logger.debug(`the look after a report of compute ${id} failed`, { error: messageOf(error) });
    return undefined;
  }
}

function reportEvent(kind: ReportKind, body: ReportBody): NonNullable<RecordChange["event"]> {
  const bytes = Buffer.byteLength(JSON.stringify(body));
  return { type: "report", data: bytes <= MAX_IN_EVENT ? { kind, ...body } : { kind, bytes } };
}
