/** Converts Fly's answers to the contract's instances. Pure. */
import { defined } from "../../internal/defined.ts";
import { withoutEnv } from "../../internal/redact.ts";
import type { Instance, InstanceStatus, Port } from "../../provider.ts";
import { type CpuKind, guestCostPerHour } from "./guest.ts";
import type { NetworkNote } from "./network.ts";
import { type Host, toPorts } from "./ports.ts";
import {
  type Machine,
  type MachineEvent,
  type OrgMachine,
  OWNER_KEY,
  PORT_NAME_KEY,
  type WireConfig,
  type WireGuest,
} from "./wire.ts";

/** Fly's states (fly.io/docs/machines/machine-states). A state that is not listed counts as unknown and proves nothing. */
const STATUSES: ReadonlyMap<string, InstanceStatus> = new Map([
  ["created", "provisioning"],
  ["starting", "provisioning"],
  ["restarting", "provisioning"],
  ["updating", "provisioning"],
  ["replacing", "provisioning"],
  ["started", "running"],
  ["stopping", "stopped"],
  ["stopped", "stopped"],
  ["suspending", "stopped"],
  ["suspended", "stopped"],
  ["failed", "failed"],
  ["launch_failed", "failed"],
  ["destroying", "terminating"],
  ["destroyed", "terminated"],
  ["migrated", "terminated"],
]);

/** Converts a machine to an instance. */
export function toInstance(machine: Machine, host: Host): Instance {
  const config = machine.config ?? machine.incomplete_config ?? undefined;
  const exit = unwantedExit(machine);
  const crashed = exit?.oom_killed || (exit?.exit_code ?? 0) !== 0;
  const status = STATUSES.get(machine.state) ?? "unknown";
  const message = exit === undefined ? lastFailure(machine, status) : inWords(exit);
  return {
    ...commonFacts(machine, config),
    ...defined({ message, exitCode: exit?.exit_code ?? undefined }),
    status: status === "stopped" && crashed ? "failed" : status,
    ports: toPorts(config?.services ?? [], host).map((port) => withName(port, config?.metadata)),
  };
}

function withName(port: Port, metadata: WireConfig["metadata"]): Port {
  const name = metadata?.[PORT_NAME_KEY + port.internal];
  return name === undefined ? port : { ...port, name };
}

/** Converts a machine of the organization's list, which does not show its ports. */
export function toListedInstance(machine: OrgMachine): Instance {
  return {
    ...commonFacts(machine, machine.config ?? undefined),
    status: STATUSES.get(machine.state) ?? "unknown",
    ports: [],
  };
}

/** The longest time between the create of an app and that of its machine: longer than any create waits. */
const ARRIVAL_SECONDS = 120;

/**
 * Converts an app without a machine to a partial instance. A create may still add the machine to a new app; an older app will never
 * get one, and counts as failed so that it is removed.
 */
export function toAppInstance(
  name: string,
  providerId: string,
  note: NetworkNote | undefined,
  now: Date,
): Instance {
  const isNew = note !== undefined && now.getTime() < note.createdAt.getTime() + ARRIVAL_SECONDS * 1000;
  return {
    ...note,
    providerId,
    name,
    status: isNew ? "provisioning" : "failed",
    partial: true,
    message: `the app ${name} exists, but there is no machine in it`,
    ports: [],
    raw: { app: name },
  };
}

type Common = Pick<Machine | OrgMachine, "id" | "name" | "region" | "created_at">;

function commonFacts(
  machine: Common,
  config: Pick<WireConfig, "guest" | "metadata"> | undefined,
): Omit<Instance, "status" | "ports"> {
  const { region } = machine;
  const createdAt = new Date(machine.created_at ?? Number.NaN);
  return {
    providerId: machine.id,
    name: machine.name,
    ...defined({
      owner: config?.metadata?.[OWNER_KEY],
      region: region ?? undefined,
      costPerHour: toCostPerHour(config?.guest, region),
      createdAt: Number.isNaN(createdAt.getTime()) ? undefined : createdAt,
    }),
    raw: withoutEnv(machine),
  };
}

function toCostPerHour(
  guest: WireGuest | null | undefined,
  region: string | null | undefined,
): number | undefined {
  const { cpu_kind: cpuKind, cpus, memory_mb: memoryMb } = guest ?? {};
  if (!isCpuKind(cpuKind) || cpus == null || memoryMb == null || region == null) return undefined;
  return guestCostPerHour({ cpuKind, cpus, memoryMb }, region);
}

function isCpuKind(value: unknown): value is CpuKind {
  return value === "shared" || value === "performance";
}

type ExitEvent = NonNullable<NonNullable<MachineEvent["request"]>["exit_event"]>;

/** The last exit of the program, unless a stop was requested or the program runs again. */
function unwantedExit({ state, events }: Machine): ExitEvent | undefined {
  if (state === "started") return undefined;
  const latest = newestFirst(events ?? []).find(({ type }) => type === "exit" || type === "start");
  const exit = latest?.request?.exit_event ?? undefined;
  return exit?.requested_stop ? undefined : exit;
}

function lastFailure({ events }: Machine, status: InstanceStatus): string | undefined {
  if (status !== "failed") return undefined;
  const failure = newestFirst(events ?? []).find((event) => /fail/i.test(event.status ?? ""));
  return failure === undefined ? undefined : `${failure.type ?? "event"}: ${failure.status}`;
}

function newestFirst(events: readonly MachineEvent[]): readonly MachineEvent[] {
  return events.toSorted((one, other) => (other.timestamp ?? 0) - (one.timestamp ?? 0));
}

function inWords({ exit_code: code, oom_killed: outOfMemory }: ExitEvent): string {
  return `the program ended with exit code ${code ?? 0}${outOfMemory ? ", out of memory" : ""}`;
}
