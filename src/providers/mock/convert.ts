/** Converts machines to the contract's instances. Pure. */
import { defined } from "../../internal/defined.ts";
import { withoutEnv } from "../../internal/redact.ts";
import type { Instance, Port, PortRequest } from "../../provider.ts";
import type { Machine } from "./fleet.ts";
import type { MockInstance } from "./types.ts";

const FIRST_TCP_PORT = 30_000;

/** Converts a machine to an instance, as the API shows it. */
export function toInstance(machine: Machine): Instance {
  const { facts } = machine;
  const { providerId, name, owner, region, gpu, gpuCount, costPerHour, createdAt } = facts;
  return {
    providerId,
    name,
    ...defined({ owner, region, gpu, gpuCount, costPerHour }),
    ...stateOf(machine),
    createdAt,
    raw: withoutEnv({ ...facts, status: machine.status }),
  };
}

/** Converts a machine to an instance, as a test sees it. */
export function toMockInstance(machine: Machine): MockInstance {
  const { number: _, ...facts } = machine.facts;
  return { ...facts, ...stateOf(machine), id: facts.providerId };
}

function stateOf(machine: Machine): Pick<Instance, "status" | "message" | "ports"> {
  const { status, message, facts } = machine;
  const ports = facts.ports.map((port) => ({ ...port, ...addressOf(machine, port) }));
  return { status, ports, ...defined({ message }) };
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

/** The host name of an http port of an instance. */
export function hostOf(providerId: string, internal: number): string {
  return `${providerId}-${internal}.mock.invalid`;
}
