/** Between our words and Fly's. Pure. */
import type { CreateRequest, Instance, InstanceStatus, Port } from "../../provider.ts";
import { type CpuKind, guestCostPerHour, toGuest } from "./guest.ts";
import type { NetworkNote } from "./network.ts";
import type { FlyCheck, FlyComputeOptions } from "./options.ts";
import { type Host, toPorts, toServices } from "./ports.ts";
import type {
  Machine,
  MachineBody,
  MachineCheck,
  MachineEvent,
  Mount,
  OrgMachine,
  WireConfig,
  WireGuest,
} from "./wire.ts";

/** Names of the metadata we stamp on a machine. */
export const OWNER_KEY = "atlas_owner";
export const STOP_MODE_KEY = "atlas_stop_mode";
const PORT_NAME_KEY = "atlas_port_";

const MAX_RESTARTS = 3;

/** The machine to create. */
export function toMachineBody(
  request: CreateRequest,
  image: string,
  options: FlyComputeOptions,
  mounts: readonly Mount[],
): MachineBody {
  const { candidate, command, diskGb } = request;
  const { autostop = "off", restart = "on-failure" } = options;
  const guest = toGuest({ ...request, cpuKind: options.cpuKind });
  return {
    name: request.name,
    ...(candidate.region === undefined ? {} : { region: candidate.region }),
    config: {
      image,
      env: request.env,
      guest: { cpu_kind: guest.cpuKind, cpus: guest.cpus, memory_mb: guest.memoryMb },
      metadata: toMetadata(request, options),
      restart: { policy: restart, ...(restart === "on-failure" ? { max_retries: MAX_RESTARTS } : {}) },
      services: toServices(request.ports, autostop),
      ...(command === undefined ? {} : { init: { cmd: command } }),
      ...(options.checks === undefined ? {} : { checks: toChecks(options.checks) }),
      ...(mounts.length === 0 ? {} : { mounts }),
      ...(diskGb === undefined ? {} : { rootfs: { size_gb: diskGb } }),
    },
  };
}

function toMetadata(
  { owner, ports }: CreateRequest,
  { stopMode }: FlyComputeOptions,
): Readonly<Record<string, string>> {
  const names = ports.flatMap(({ internal, name }) => (name ? [[PORT_NAME_KEY + internal, name]] : []));
  return {
    [OWNER_KEY]: owner,
    ...(stopMode === undefined ? {} : { [STOP_MODE_KEY]: stopMode }),
    ...Object.fromEntries(names),
  };
}

function toChecks(checks: Readonly<Record<string, FlyCheck>>): Readonly<Record<string, MachineCheck>> {
  return Object.fromEntries(Object.entries(checks).map(([name, check]) => [name, toCheck(check)]));
}

function toCheck({ type, port, path, method, ...times }: FlyCheck): MachineCheck {
  return {
    type,
    port,
    ...(path === undefined ? {} : { path }),
    ...(method === undefined ? {} : { method }),
    ...(times.intervalSeconds === undefined ? {} : { interval: `${times.intervalSeconds}s` }),
    ...(times.timeoutSeconds === undefined ? {} : { timeout: `${times.timeoutSeconds}s` }),
    ...(times.gracePeriodSeconds === undefined ? {} : { grace_period: `${times.gracePeriodSeconds}s` }),
  };
}

/** Fly's states (fly.io/docs/machines/machine-states); one that is not here is unknown to us and proves nothing. */
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
]);

/** A machine as an instance. */
export function toInstance(machine: Machine, host: Host): Instance {
  const config = machine.config ?? machine.incomplete_config ?? undefined;
  const exit = unwantedExit(machine);
  const crashed = exit?.oom_killed || (exit?.exit_code ?? 0) !== 0;
  const status = STATUSES.get(machine.state) ?? "unknown";
  const message = exit === undefined ? lastFailure(machine, status) : inWords(exit);
  return {
    ...commonFacts(machine, config),
    status: status === "stopped" && crashed ? "failed" : status,
    ...(message === undefined ? {} : { message }),
    ports: toPorts(config?.services ?? [], host).map((port) => withName(port, config?.metadata)),
  };
}

function withName(port: Port, metadata: WireConfig["metadata"]): Port {
  const name = metadata?.[PORT_NAME_KEY + port.internal];
  return name === undefined ? port : { ...port, name };
}

/** A machine as its organization shows it, as an instance: its ports are not known. */
export function toListedInstance(machine: OrgMachine): Instance {
  return {
    ...commonFacts(machine, machine.config ?? undefined),
    status: STATUSES.get(machine.state) ?? "unknown",
    ports: [],
  };
}

/** How long a machine may be on its way after its app: longer than any create waits. */
const ARRIVAL_SECONDS = 120;

/**
 * An app of ours without a machine: a part of an instance. Its machine may be on its way when the app is new; else it will never come,
 * and what is left is to be removed.
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
  const owner = config?.metadata?.[OWNER_KEY];
  const costPerHour = toCostPerHour(config?.guest, region);
  const createdAt = new Date(machine.created_at ?? Number.NaN);
  return {
    providerId: machine.id,
    name: machine.name,
    ...(owner === undefined ? {} : { owner }),
    ...(region == null ? {} : { region }),
    ...(costPerHour === undefined ? {} : { costPerHour }),
    ...(Number.isNaN(createdAt.getTime()) ? {} : { createdAt }),
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

/** The program's last end, unless it was asked for, or the program runs again. */
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

/** The value with everything below a key `env` replaced. */
function withoutEnv(value: unknown, isEnv = false): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => withoutEnv(item, isEnv));
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    return Object.fromEntries(entries.map(([key, item]) => [key, withoutEnv(item, isEnv || key === "env")]));
  }
  return isEnv ? "[redacted]" : value;
}
