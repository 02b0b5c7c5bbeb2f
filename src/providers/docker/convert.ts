/** Converts the daemon's answers to the contract's instances. Pure. */
import { defined } from "../../internal/defined.ts";
import { redacted } from "../../internal/redact.ts";
import type { Instance, InstanceStatus } from "../../provider.ts";
import { type PortAddress, toPorts } from "./ports.ts";
import { type Container, LABELS } from "./wire.ts";

/** The one region: the daemon's machine. */
export const REGION = "docker";

/** The longest time between the create of a container and its start: longer than any create waits for the start. */
const START_SECONDS = 120;

/** The restart policy of a container that we stopped. It survives a restart of the daemon, and has no effect on a stopped container. */
export const STOPPED_POLICY = "unless-stopped";

/** The status with its reason. */
interface Condition {
  readonly status: InstanceStatus;
  readonly message?: string;
  readonly partial?: true;
}

/** Converts a container to an instance. */
export function toInstance(container: Container, address: PortAddress, now: Date): Instance {
  const labels = container.Config.Labels ?? {};
  const createdAt = new Date(container.Created ?? Number.NaN);
  const gpus = labels[LABELS.gpus]?.split(",").length;
  return {
    providerId: container.Id,
    name: nameOf(container.Name),
    ...toCondition(container, createdAt, now),
    region: REGION,
    costPerHour: 0,
    ports: toPorts(container, address),
    ...defined({
      owner: labels[LABELS.owner],
      gpu: labels[LABELS.gpu],
      gpuCount: gpus,
      createdAt: Number.isNaN(createdAt.getTime()) ? undefined : createdAt,
    }),
    raw: withoutValues(container),
  };
}

/** A container's name, which the daemon writes with a slash in front. */
export function nameOf(name: string): string {
  return name.replace(/^\//, "");
}

/** Docker's states. A state that is not listed counts as unknown and proves nothing. */
const STATUSES: ReadonlyMap<string, InstanceStatus> = new Map([
  ["running", "running"],
  ["restarting", "provisioning"],
  ["paused", "stopped"],
  ["removing", "terminating"],
  ["dead", "terminating"],
]);

function toCondition(container: Container, createdAt: Date, now: Date): Condition {
  const { State } = container;
  if (State.Status === "created") return createdCondition(createdAt, now);
  if (State.Status === "exited") return exitCondition(container);
  const status = STATUSES.get(State.Status) ?? "unknown";
  if (State.Health?.Status === "unhealthy") return { status, message: "its health check fails" };
  return { status };
}

/** A container that was not started is no whole instance: its create refused the start, or ended before it. */
function createdCondition(createdAt: Date, now: Date): Condition {
  const age = (now.getTime() - createdAt.getTime()) / 1000;
  if (age < START_SECONDS) return { status: "provisioning", partial: true };
  const message = "it was never started: the process that created it ended first";
  return { status: "failed", partial: true, message };
}

function exitCondition({ State, HostConfig }: Container): Condition {
  const { ExitCode, OOMKilled, Error: failure } = State;
  const facts = [`the program ended with exit code ${ExitCode ?? "unknown"}`];
  if (OOMKilled) facts.push("out of memory");
  if (failure) facts.push(failure);
  const message = facts.join(", ");
  const wasAsked = HostConfig.RestartPolicy?.Name === STOPPED_POLICY && !OOMKilled;
  return wasAsked ? { status: "stopped" } : { status: "failed", message };
}

/** The answer as it came, with the names of its variables and without their values. */
function withoutValues(container: Container): unknown {
  const { Config, ...rest } = container;
  const Env = Config.Env?.map((pair) => `${pair.slice(0, pair.indexOf("=") + 1)}${redacted}`);
  return { ...rest, Config: { ...Config, ...defined({ Env }) } };
}
