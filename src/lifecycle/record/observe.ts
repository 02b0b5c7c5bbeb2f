/** The change that an instance's state makes to its compute. */
import { isDeepStrictEqual } from "node:util";
import { defined } from "../../internal/defined.ts";
import type { Instance, Port, PortRequest, Provider } from "../../provider.ts";
import type { ComputeRecord, ComputeStatus, EndReason } from "../../store.ts";
import { STOPPED_SECONDS } from "./ending.ts";
import {
  endedPatch,
  lookedPatch,
  NO_LEASE,
  type Patch,
  type RecordChange,
  terminatingPatch,
} from "./patch.ts";
import { after, isPast } from "./time.ts";

/** States from which an observation may move a compute. An end that was begun is never taken back. */
export const OBSERVABLE: ReadonlySet<ComputeStatus> = new Set([
  "pending",
  "uncertain",
  "provisioning",
  "running",
  "stopped",
]);

/** A provider's answer about one instance. */
export interface Sight {
  readonly instance: Instance;
  readonly provider: Pick<Provider, "bootTimeoutSeconds" | "absenceGraceSeconds">;
  /** When the provider was asked, in the store's time; absent: the answer is to a create. */
  readonly askedAt?: Date;
}

/** The change that an instance, as its provider shows it, makes to its compute. Pure. */
export function observed(record: ComputeRecord, sight: Sight, now: Date): RecordChange | undefined {
  const change = OBSERVABLE.has(record.status) ? changeBy(record, sight, now) : undefined;
  // The answer to a create is no look: the first one may come at once.
  if (change === undefined || sight.askedAt !== undefined) return change;
  return { ...change, patch: { ...change.patch, lookedAt: record.lookedAt } };
}

function changeBy(record: ComputeRecord, sight: Sight, now: Date): RecordChange {
  const { instance } = sight;
  switch (instance.status) {
    case "running":
      return isOldNews(record, sight)
        ? noNews(record, now)
        : noted(record, instance, runningPatch(record, now), now);
    case "stopped":
      return isOldNews(record, sight) ? noNews(record, now) : stoppedChange(record, instance, now);
    case "failed":
      return ended(record, instance, instance.exitCode === undefined ? "failed" : "exited", now);
    case "terminated":
      return goneChange(record, instance, now);
    default:
      return waitingChange(record, sight, now);
  }
}

/** True when the answer contradicts a stop or start of ours and was asked for before it, or so soon after it that the provider's reads may lag. */
function isOldNews({ status, actedAt }: ComputeRecord, { instance, provider, askedAt }: Sight): boolean {
  const contradicts = instance.status === "stopped" ? status === "provisioning" : status === "stopped";
  return (
    contradicts &&
    actedAt !== null &&
    askedAt !== undefined &&
    askedAt < after(actedAt, provider.absenceGraceSeconds)
  );
}

function noNews(record: ComputeRecord, now: Date): RecordChange {
  return {
    patch: { ...NO_LEASE, ...lookedPatch(record, record.status, now), absentSince: null, attempts: 0 },
  };
}

/** A stop that was not asked for: the program's own end, or the provider's act, which has a deadline. */
function stoppedChange(record: ComputeRecord, instance: Instance, now: Date): RecordChange {
  const { status, idleTimeoutSeconds, actedAt } = record;
  if (status === "stopped") return noted(record, instance, { status: "stopped" }, now);
  // After a start, a stopped instance may be one that the provider never started: its disk is kept for a while.
  const isFirstBoot = status !== "running" && actedAt === null;
  if (isFirstBoot || instance.exitCode !== undefined) return ended(record, instance, "exited", now);
  const patch = {
    status: "stopped" as const,
    bootDeadline: null,
    idleDeadline: after(now, idleTimeoutSeconds ?? STOPPED_SECONDS),
    costSince: null,
  };
  const message = instance.message ?? "its provider stopped it";
  const { patch: noting } = noted(record, instance, patch, now);
  return { patch: noting, event: { type: "note", data: { message } } };
}

function ended(record: ComputeRecord, instance: Instance, reason: EndReason, now: Date): RecordChange {
  const { message, exitCode } = instance;
  const code = exitCode === undefined ? "" : ` with exit code ${exitCode}`;
  const lastError = message ?? (reason === "exited" ? `its program ended${code}` : null);
  const facts = instanceFacts(record, instance, "terminating");
  return {
    patch: { ...facts, ...terminatingPatch(reason, now), lastError },
    ...(lastError === null ? {} : { event: endNote(lastError, exitCode) }),
  };
}

function endNote(message: string, exitCode: number | undefined): NonNullable<RecordChange["event"]> {
  return { type: "note", data: defined({ message, exitCode }) };
}

/** The end of an instance that its provider shows as gone. */
function goneChange(record: ComputeRecord, instance: Instance, now: Date): RecordChange {
  const { message, exitCode } = instance;
  const reason = exitCode === undefined ? "vanished" : "exited";
  const facts = instanceFacts(record, instance, "terminated");
  const lastError = message ?? null;
  return {
    patch: { ...facts, ...endedPatch("terminated", reason, now), lastError },
    ...(lastError === null ? {} : { event: endNote(lastError, exitCode) }),
  };
}

const DEARER = 1.1;

/** A change by an instance that lives, with a note where it costs clearly more than the candidate that was chosen. */
function noted(record: ComputeRecord, instance: Instance, patch: Patch, now: Date): RecordChange {
  const whole = {
    ...instanceFacts(record, instance, patch.status ?? record.status),
    ...lookedPatch(record, patch.status ?? record.status, now),
    ...patch,
  };
  const { costPerHour } = instance;
  const promised = record.costPerHour;
  if (costPerHour === undefined || promised === null || costPerHour <= promised * DEARER)
    return { patch: whole };
  const message = `it costs $${costPerHour} an hour, more than the $${promised} of its candidate`;
  return { patch: whole, event: { type: "note", data: { message } } };
}

function instanceFacts(record: ComputeRecord, instance: Instance, status: ComputeStatus): Patch {
  const costPerHour = instance.costPerHour ?? record.costPerHour;
  // An address belongs to the state that it was seen in: after a stop and a start it may be another pod's.
  const known = status === record.status ? record.ports : record.ports.map(requestOf);
  return {
    providerId: instance.providerId,
    region: instance.region ?? record.region,
    gpu: instance.gpu ?? record.gpu,
    costPerHour,
    costSince: costSinceOf(record),
    ports: mergePorts(known, status === "stopped" ? [] : instance.ports),
    ...NO_LEASE,
    absentSince: null,
    attempts: 0,
    lastError: null,
  };
}

/** A port as it was asked for, without any address. */
export function requestOf({ internal, protocol, name }: PortRequest): PortRequest {
  return name === undefined ? { internal, protocol } : { internal, protocol, name };
}

/** A confirmed create has cost money since it was sent. */
function costSinceOf({ status, costSince, placedAt }: ComputeRecord): Date | null {
  return status === "pending" || status === "uncertain" ? placedAt : costSince;
}

const SHOWN = [
  "status",
  "providerId",
  "region",
  "gpu",
  "costPerHour",
  "ports",
  "lastError",
  "absentSince",
] as const;

/** True when an observation differs from the record. A look uses it to skip needless writes. */
export function isNews(record: ComputeRecord, patch: Patch): boolean {
  return SHOWN.some((key) => patch[key] !== undefined && !isDeepStrictEqual(patch[key], record[key]));
}

/** The requested ports, with the addresses that the instance gives them. */
function mergePorts(requested: readonly PortRequest[], known: readonly Port[]): readonly Port[] {
  return requested.map((port) => ({
    ...port,
    ...known.find(({ internal }) => internal === port.internal),
    ...port,
    ...addressOf(known.find(({ internal }) => internal === port.internal)),
  }));
}

function addressOf(port: Port | undefined): Pick<Port, "external" | "url" | "headers"> {
  const { external, url, headers } = port ?? {};
  return {
    ...(external !== undefined && { external }),
    ...(url !== undefined && { url }),
    ...(headers !== undefined && { headers }),
  };
}

function runningPatch(record: ComputeRecord, now: Date): Patch {
  const begins = record.status !== "running";
  return {
    status: "running",
    bootDeadline: null,
    ...(begins ? { idleDeadline: after(now, record.idleTimeoutSeconds), lastActiveAt: now } : {}),
    costSince: costSinceOf(record) ?? now,
  };
}

/**
 * A passing word of the provider does not send a running or stopped compute back to booting. Only a start begins a boot again. A boot that is
 * late ends the compute.
 */
function waitingChange(record: ComputeRecord, { instance, provider }: Sight, now: Date): RecordChange {
  const isStarted = record.status === "stopped" && instance.status === "provisioning";
  if (record.status === "running" || (record.status === "stopped" && !isStarted)) return noNews(record, now);
  const seconds = record.bootTimeoutSeconds ?? provider.bootTimeoutSeconds;
  const bootDeadline = record.bootDeadline ?? after(now, seconds);
  const costSince = costSinceOf(record) ?? now;
  const change = noted(record, instance, { status: "provisioning", bootDeadline, costSince }, now);
  if (!isPast(bootDeadline, now)) return change;
  const lastError = record.lastError ?? `it was not running after ${seconds} seconds`;
  return {
    patch: { ...change.patch, ...terminatingPatch("boot_timeout", now), lastError },
    event: { type: "note", data: { message: lastError } },
  };
}
