/** Converts requested ports to Fly's services, and back. */
import { defined } from "../../internal/defined.ts";
import type { Port, PortRequest } from "../../provider.ts";
import type { Service, ServicePort } from "./wire.ts";

/** The host at which an app's ports are reached. */
export interface Host {
  /** `<app>.fly.dev`. */
  readonly name: string;
  /** Headers without which a request may reach another machine of the app. */
  readonly headers?: Readonly<Record<string, string>>;
}

const HTTPS = 443;
const HTTP = 80;
const MAX_PORT = 65_535;
const STEP = 10_000;

/**
 * The services of a machine. The first http port is at 443; every other port keeps its number outside, or gets the next free number
 * in steps of 10,000.
 */
export function toServices(
  ports: readonly PortRequest[],
  autostop: "off" | "stop" | "suspend",
): readonly Service[] {
  const external = externalPorts(ports);
  return ports.map(({ internal, protocol }) => ({
    protocol: "tcp",
    internal_port: internal,
    autostop,
    // With autostop, a request must be able to start the machine that the proxy stopped; without it, a request would undo our own stop.
    autostart: autostop !== "off",
    min_machines_running: 0,
    ports: servicePorts(protocol, external.get(internal) ?? internal),
  }));
}

function servicePorts(protocol: PortRequest["protocol"], external: number): readonly ServicePort[] {
  if (protocol === "tcp") return [{ port: external, handlers: [] }];
  const secure = { port: external, handlers: ["tls", "http"] };
  return external === HTTPS ? [secure, { port: HTTP, handlers: ["http"], force_https: true }] : [secure];
}

function externalPorts(ports: readonly PortRequest[]): ReadonlyMap<number, number> {
  const first = ports.find(({ protocol }) => protocol === "http");
  const external = new Map<number, number>(first === undefined ? [] : [[first.internal, HTTPS]]);
  const taken = new Set<number>(first === undefined ? [] : [HTTPS, HTTP]);
  for (const { internal } of ports) {
    if (internal === first?.internal) continue;
    const free = freePort(internal, taken);
    taken.add(free);
    external.set(internal, free);
  }
  return external;
}

function freePort(wanted: number, taken: ReadonlySet<number>): number {
  let port = wanted;
  while (taken.has(port)) port = ((port + STEP - 1) % MAX_PORT) + 1;
  return port;
}

/** Converts a machine's services to ports. */
export function toPorts(services: readonly Service[], { name, headers }: Host): readonly Port[] {
  return services.flatMap((service): Port[] => {
    const { internal_port: internal } = service;
    const outside = service.ports?.find(({ port }) => port !== HTTP) ?? service.ports?.[0];
    const external = outside?.port;
    if (internal == null || outside === undefined || external == null) return [];
    const isHttp = outside.handlers?.includes("http") ?? false;
    const url = isHttp
      ? `https://${name}${external === HTTPS ? "" : `:${external}`}`
      : `tcp://${name}:${external}`;
    const protocol = isHttp ? "http" : "tcp";
    return [defined({ internal, protocol, external, url, headers } as const)];
  });
}
