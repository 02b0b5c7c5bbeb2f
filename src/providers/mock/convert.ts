import type { Instance, Port, PortRequest } from "../../provider.ts";
import type { Machine } from "./fleet.ts";
import type { MockInstance } from "./types.ts";

const FIRST_TCP_PORT = 30_000;

/** What the API says of a machine. */
export function toInstance(machine: Machine): Instance {
  const { facts } = machine;
  const { providerId, name, owner, region, gpu, gpuCount, costPerHour, createdAt } = facts;
  return {
    providerId,
    name,
    ...(owner === undefined ? {} : { owner }),
    ...(region === undefined ? {} : { region }),
    ...(gpu === undefined ? {} : { gpu }),
    ...(gpuCount === undefined ? {} : { gpuCount }),
    ...(costPerHour === undefined ? {} : { costPerHour }),
    ...stateOf(machine),
    createdAt,
    raw: { ...facts, status: machine.status, env: redacted(facts.env) },
  };
}

/** What a test sees of a machine. */
export function toMockInstance(machine: Machine): MockInstance {
  const { number: _, ...facts } = machine.facts;
  return { ...facts, ...stateOf(machine), id: facts.providerId };
}

function stateOf(machine: Machine): Pick<Instance, "status" | "message" | "ports"> {
  const { status, message, facts } = machine;
  const ports = facts.ports.map((port) => ({ ...port, ...addressOf(machine, port) }));
  return { status, ports, ...(message === undefined ? {} : { message }) };
}

function addressOf(
  { facts, status }: Machine,
  { internal, protocol }: PortRequest,
): Pick<Port, "external" | "url"> {
  if (protocol === "http") return { external: 443, url: `https://${hostOf(facts.providerId, internal)}` };
  if (status !== "running") return {};
  const external =
    FIRST_TCP_PORT + facts.number * 100 + facts.ports.findIndex((port) => port.internal === internal);
  return { external, url: `tcp://203.0.113.1:${external}` };
}

/** The host under which the outside reaches a port of an instance. */
export function hostOf(providerId: string, internal: number): string {
  return `${providerId}-${internal}.mock.invalid`;
}

function redacted(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(env).map((name) => [name, "[redacted]"]));
}
