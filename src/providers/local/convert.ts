/** From what is on record and what the system says to the contract's words. Pure. */
import type { Instance, InstanceStatus, Port } from "../../provider.ts";
import type { ProcessState } from "./process-identity.ts";
import type { Entry } from "./state-folder.ts";
import type { InstanceRecord, ProcessRecord } from "./wire.ts";

/** How long a create may take to bring up the supervisor, in seconds. */
export const BOOT_SECONDS = 30;

/** The one region: this machine. */
export const REGION = "local";

/** An instance on record, with what its processes do now; `undefined` for one that is gone. */
export interface Sighting {
  readonly entry: Entry;
  readonly supervisor: ProcessState | undefined;
  readonly leader: ProcessState | undefined;
}

/** A status with its reason, where there is one to tell. */
export interface Verdict {
  readonly status: InstanceStatus;
  readonly message?: string;
}

/** What a sighting means. */
export function toVerdict(sighting: Sighting, now: Date): Verdict {
  const { process, endAsked, instance } = sighting.entry;
  if (process?.exit !== undefined) return exitVerdict(process.exit, endAsked);
  if (sighting.supervisor !== undefined || sighting.leader !== undefined) return livingVerdict(sighting);
  if (endAsked) return { status: "terminated" };
  if (process !== undefined)
    return { status: "failed", message: "its processes were killed from outside, or the machine restarted" };
  const seconds = (now.getTime() - Date.parse(instance.createdAt)) / 1000;
  if (seconds < BOOT_SECONDS) return { status: "provisioning" };
  return { status: "failed", message: "it was never started: its creator ended before" };
}

function exitVerdict(exit: NonNullable<ProcessRecord["exit"]>, endAsked: boolean): Verdict {
  const status = endAsked || exit.code === 0 ? "terminated" : "failed";
  return { status, message: describeExit(exit) };
}

function livingVerdict({ entry, leader }: Sighting): Verdict {
  if (entry.endAsked) return { status: "terminating" };
  if (entry.process?.leader === undefined) return { status: "provisioning" };
  return { status: leader === "stopped" ? "stopped" : "running" };
}

/** The end of a process in words. */
export function describeExit({ code, signal, refusal }: NonNullable<ProcessRecord["exit"]>): string {
  if (refusal !== undefined) return `could not be started (${refusal})`;
  return signal === undefined ? `exited with code ${code}` : `was ended by ${signal}`;
}

/** The contract's instance. */
export function toInstance(entry: Entry, verdict: Verdict): Instance {
  const { providerId, name, owner, createdAt, ports } = entry.instance;
  const { instance, process, endAsked } = entry;
  return {
    providerId,
    name,
    owner,
    ...verdict,
    region: REGION,
    costPerHour: 0,
    ports: ports.map(toPort),
    createdAt: new Date(createdAt),
    raw: { instance, process, endAsked },
  };
}

function toPort({ internal, protocol, name, external }: InstanceRecord["ports"][number]): Port {
  const url = `${protocol}://127.0.0.1:${external}`;
  return { internal, protocol, ...(name === undefined ? {} : { name }), external, url };
}

/** The environment that tells a program its ports: `PORT` for the first, `ATLAS_PORT_<internal>` for each. */
export function toPortEnv(ports: InstanceRecord["ports"]): Record<string, string> {
  const each = ports.map(({ internal, external }) => [`ATLAS_PORT_${internal}`, String(external)]);
  const first = ports.slice(0, 1).map(({ external }) => ["PORT", String(external)]);
  return Object.fromEntries([...first, ...each]);
}
