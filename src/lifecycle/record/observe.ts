/** The change that an instance's state makes to its compute. */
import { isDeepStrictEqual } from "node:util";
import type { Instance, Port, PortRequest } from "../../provider.ts";
import type { ComputeRecord, ComputeStatus } from "../../store.ts";
import { endedPatch, NO_LEASE, type Patch, type RecordChange, terminatingPatch } from "./patch.ts";
import { after } from "./time.ts";

/** Seconds between two looks at a compute that has no other task. */
export const CHECK_SECONDS = 300;

/** States from which an observation may move a compute. An end that was begun is never taken back. */
const OBSERVABLE: ReadonlySet<ComputeStatus> = new Set([
  "pending",
  "uncertain",
  "provisioning",
  "running",
  "stopped",
]);

/** The change that an instance, as its provider shows it, makes to its compute. Pure. */
export function observed(
  record: ComputeRecord,
  instance: Instance,
  bootTimeoutSeconds: number,
  now: Date,
): RecordChange | undefined {
  if (!OBSERVABLE.has(record.status)) return undefined;
  const facts = instanceFacts(record, instance);
  switch (instance.status) {
    case "running":
      return { patch: { ...facts, ...runningPatch(record, now) } };
    case "stopped":
      return { patch: { ...facts, ...stoppedPatch(now) } };
    case "failed":
      return {
        patch: { ...facts, ...terminatingPatch("failed", now), lastError: instance.message ?? null },
        ...told(instance),
      };
    case "terminated":
      return { patch: { ...facts, ...endedPatch("terminated", "vanished", now) } };
    default:
      return { patch: { ...facts, ...waitingPatch(record, instance, bootTimeoutSeconds, now) } };
  }
}

function told({ message }: Instance): Pick<RecordChange, "event"> {
  return message === undefined ? {} : { event: { type: "note", data: { message } } };
}

function instanceFacts(record: ComputeRecord, instance: Instance): Patch {
  const costPerHour = instance.costPerHour ?? record.costPerHour;
  return {
    providerId: instance.providerId,
    region: instance.region ?? record.region,
    gpu: instance.gpu ?? record.gpu,
    costPerHour,
    costSince: costSinceOf(record),
    ports: mergePorts(record.ports, instance.ports),
    ...NO_LEASE,
    absentSince: null,
    attempts: 0,
    lastError: null,
  };
}

/** A confirmed create has cost money since it was sent. */
function costSinceOf({ status, costSince, placedAt }: ComputeRecord): Date | null {
  return status === "pending" || status === "uncertain" ? placedAt : costSince;
}

const SHOWN = ["status", "providerId", "region", "gpu", "costPerHour", "ports", "lastError"] as const;

/** True when an observation differs from the record. Pollers use it to skip needless writes. */
export function isNews(record: ComputeRecord, patch: Patch): boolean {
  return SHOWN.some((key) => patch[key] !== undefined && !isDeepStrictEqual(patch[key], record[key]));
}

/** The requested ports, with the addresses that the instance gives them. */
export function mergePorts(requested: readonly PortRequest[], known: readonly Port[]): readonly Port[] {
  return requested.map((port) => ({
    ...port,
    ...known.find(({ internal }) => internal === port.internal),
    ...port,
  }));
}

function runningPatch(record: ComputeRecord, now: Date): Patch {
  const begins = record.status !== "running";
  return {
    status: "running",
    bootDeadline: null,
    checkAt: after(now, CHECK_SECONDS),
    ...(begins ? { idleDeadline: after(now, record.idleTimeoutSeconds), lastActiveAt: now } : {}),
    costSince: costSinceOf(record) ?? now,
  };
}

function stoppedPatch(now: Date): Patch {
  return {
    status: "stopped",
    bootDeadline: null,
    idleDeadline: null,
    checkAt: after(now, CHECK_SECONDS),
    costSince: null,
  };
}

/** A passing word of the provider does not send a running or stopped compute back to booting. Only a start begins a boot again. */
function waitingPatch(
  record: ComputeRecord,
  instance: Instance,
  bootTimeoutSeconds: number,
  now: Date,
): Patch {
  const checkAt = after(now, CHECK_SECONDS);
  const isStarted = record.status === "stopped" && instance.status === "provisioning";
  if (record.status === "running" || (record.status === "stopped" && !isStarted)) return { checkAt };
  const bootDeadline = record.bootDeadline ?? after(now, bootTimeoutSeconds);
  return { status: "provisioning", bootDeadline, checkAt, costSince: costSinceOf(record) ?? now };
}
