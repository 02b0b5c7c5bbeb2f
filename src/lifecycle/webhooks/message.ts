/** The message that a webhook sends about an event. */
import type { ComputeEvent, ComputeRecord } from "../../store.ts";

/** The body of a webhook, as JSON. A later version may add fields. */
export interface WebhookMessage {
  /** `compute.` and the type of the event, such as `compute.state`. */
  readonly type: `compute.${ComputeEvent["type"]}`;
  /** When it happened, in ISO 8601. */
  readonly timestamp: string;
  readonly data: WebhookData;
}

/** The facts of a webhook. */
export interface WebhookData extends Pick<ComputeEvent, "computeId" | "status" | "reason" | "costSoFar"> {
  /** The event's id. Of two events of one namespace the later has the greater. */
  readonly eventId: string;
  readonly namespace: string;
  readonly event: ComputeEvent["data"];
  /** The compute as it is recorded when the message is sent; null when it is not recorded any more. */
  readonly compute: Pick<
    ComputeRecord,
    "userId" | "slot" | "tenantId" | "provider" | "gpu" | "region" | "costPerHour" | "metadata"
  > | null;
}

/** Builds the message of an event. */
export function messageOf(
  namespace: string,
  { id: eventId, type, at, computeId, status, reason, costSoFar, data: event }: ComputeEvent,
  record: ComputeRecord | undefined,
): WebhookMessage {
  const facts = { eventId, namespace, computeId, status, reason, costSoFar, event };
  return {
    type: `compute.${type}`,
    timestamp: at.toISOString(),
    data: { ...facts, compute: record === undefined ? null : computeFacts(record) },
  };
}

function computeFacts(record: ComputeRecord): NonNullable<WebhookData["compute"]> {
  const { userId, slot, tenantId, provider, gpu, region, costPerHour, metadata } = record;
  return { userId, slot, tenantId, provider, gpu, region, costPerHour, metadata };
}
