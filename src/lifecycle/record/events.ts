/** The events that are written with a record, and telling the application of them. */
import { type ComputeRecord, costSoFar, type NewEvent } from "../../store.ts";
import type { Context } from "../context.ts";
import { notify } from "../listeners.ts";
import { wrote } from "../looks/wakes.ts";
import type { RecordChange } from "./patch.ts";

/** The event of a record that has reached its present state. */
export function stateEvent(record: ComputeRecord, data: NewEvent["data"] = {}): NewEvent {
  const { provider, region } = record;
  return { ...eventFacts(record), type: "state", data: { provider, ...(region && { region }), ...data } };
}

/** The event of a change: the new status, or else the event that the change carries. */
export function changeEvent(
  before: ComputeRecord,
  next: ComputeRecord,
  { event }: RecordChange,
): NewEvent | undefined {
  if (before.status !== next.status) return stateEvent(next, event?.data);
  return event && { ...eventFacts(next), ...event };
}

function eventFacts(record: ComputeRecord): Omit<NewEvent, "type" | "data"> {
  const { status, reason, costPerHour, updatedAt } = record;
  return { status, reason, costSoFar: costPerHour === null ? null : costSoFar(record, updatedAt) };
}

/** Passes a written event to the application's hook and to the log. A hook that fails does not fail the step. */
export function tell(context: Context, record: ComputeRecord, event: NewEvent | undefined): void {
  if (event === undefined) return;
  const { id: computeId, provider, updatedAt: at } = record;
  context.logger.info(`compute ${computeId} is ${event.status}`, { computeId, provider, ...event.data });
  wrote(context.store, computeId);
  if (context.webhooks.length > 0) sendSoon(context);
  notify(context, "onEvent", context.onEvent, { ...event, computeId, at });
}

/** Delivers in the background. The module is loaded where webhooks are used. */
function sendSoon(context: Context): void {
  void import("../webhooks/soon.ts").then(({ deliverSoon }) => deliverSoon(context));
}
