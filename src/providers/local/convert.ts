/** Converts records and process states to the contract's instances. Pure. */
import { defined } from "../../internal/defined.ts";
import type { Instance, InstanceStatus, Port } from "../../provider.ts";
import type { ProcessState } from "./process-identity.ts";
import type { Entry } from "./state-folder.ts";
import type { InstanceRecord, ProcessRecord } from "./wire.ts";

/** The time that a create may take until the supervisor runs, in seconds. */
export const BOOT_SECONDS = 30;

/** The one region: this machine. */
export const REGION = "local";

/** An instance on record, with the current state of its processes; `undefined` for a process that is gone. */
export interface Sighting {
  readonly entry: Entry;
  readonly supervisor: ProcessState | undefined;
  readonly leader: ProcessState | undefined;
}

/** A status, with its reason where one is known. */
export interface Condition {
  readonly status: InstanceStatus;
  readonly message?: string;
  readonly exitCode?: number;
}

/** Reads the condition of an instance from a sighting. */
export function toCondition(sighting: Sighting, now: Date): Condition {
  const { process, endAsked, instance } = sighting.entry;
  if (process?.exit !== undefined) return exitCondition(process.exit, endAsked);
  if (sighting.supervisor !== undefined || sighting.leader !== undefined) return livingCondition(sighting);
  if (endAsked) return { status: "terminated" };
  if (process !== undefined)
    return { status: "failed", message: "its processes were killed from outside, or the machine restarted" };
  const seconds = (now.getTime() - Date.parse(instance.createdAt)) / 1000;
  if (seconds < BOOT_SECONDS) return { status: "provisioning" };
  return { status: "failed", message: "it was never started: the process that created it ended first" };
}

function exitCondition(exit: NonNullable<ProcessRecord["exit"]>, endAsked: boolean): Condition {
  const status = endAsked || exit.code === 0 ? "terminated" : "failed";
  const exitCode = endAsked || exit.refusal !== undefined ? undefined : exit.code;
  return { status, message: describeExit(exit), ...(exitCode !== undefined && { exitCode }) };
}

function livingCondition({ entry, leader }: Sighting): Condition {
  if (entry.endAsked) return { status: "terminating" };
  if (entry.process?.leader === undefined) return { status: "provisioning" };
  return { status: leader === "stopped" ? "stopped" : "running" };
}

/** Describes the end of a process. */
export function describeExit({ code, signal, refusal }: NonNullable<ProcessRecord["exit"]>): string {
  if (refusal !== undefined) return `could not be started (${refusal})`;
  return signal === undefined ? `exited with code ${code}` : `was ended by ${signal}`;
}

/** Converts a sighting to an instance. */
export function toInstance(sighting: Sighting, now: Date): Instance {
  const { entry } = sighting;
  const { providerId, name, owner, createdAt, ports } = entry.instance;
  const { instance, process, endAsked } = entry;
  return {
    providerId,
    name,
    owner,
    ...toCondition(sighting, now),
    region: REGION,
    costPerHour: 0,
    ports: ports.map(toPort),
    createdAt: new Date(createdAt),
    raw: { instance, process, endAsked },
  };
}

function toPort({ internal, protocol, name, external }: InstanceRecord["ports"][number]): Port {
  const url = `${protocol}://127.0.0.1:${external}`;
  return defined({ internal, protocol, name, external, url });
}

/** The environment variables with the external ports: `PORT` for the first, `ATLAS_PORT_<internal>` for each. */
export function toPortEnv(ports: InstanceRecord["ports"]): Record<string, string> {
  const each = ports.map(({ internal, external }) => [`ATLAS_PORT_${internal}`, String(external)]);
  const first = ports.slice(0, 1).map(({ external }) => ["PORT", String(external)]);
  return Object.fromEntries([...first, ...each]);
}
