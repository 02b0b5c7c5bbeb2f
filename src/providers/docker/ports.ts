/** The ports of a container: as it publishes them, and as the outside reaches them. */
import { defined } from "../../internal/defined.ts";
import { parseJson } from "../../internal/json.ts";
import type { Port, PortRequest } from "../../provider.ts";
import { type Container, type ContainerBody, LABELS, portsLabel } from "./wire.ts";

/** The address at which ports are reached: an IP address, and the URL of an http port with `{port}` in it. */
export interface PortAddress {
  readonly host: string;
  readonly url: string;
}

/** The parts of a container's body that publish these ports. Docker chooses the numbers outside, anew at each start. */
export function toPublishedPorts(
  ports: readonly PortRequest[],
  { host }: PortAddress,
): Required<Pick<ContainerBody, "ExposedPorts">> &
  Required<Pick<ContainerBody["HostConfig"], "PortBindings">> {
  const keys = ports.map(({ internal }) => portKey(internal));
  return {
    ExposedPorts: Object.fromEntries(keys.map((key) => [key, {}])),
    PortBindings: Object.fromEntries(keys.map((key) => [key, [{ HostIp: host, HostPort: "" }]])),
  };
}

/** The label from which {@link toPorts} reads the requested ports. */
export function toPortsLabel(ports: readonly PortRequest[]): string {
  return JSON.stringify(ports.map(({ internal, protocol, name }) => defined({ internal, protocol, name })));
}

/** Converts a container's ports. They have no number outside while it does not run. */
export function toPorts(container: Container, address: PortAddress): readonly Port[] {
  const label = container.Config.Labels?.[LABELS.ports];
  const wanted = portsLabel.safeParse(label === undefined ? [] : parseJson(label)).data ?? [];
  return wanted.map((port) => {
    const external = externalPort(container, port.internal);
    const url = external === undefined ? undefined : toUrl(port.protocol, external, address);
    return {
      internal: port.internal,
      protocol: port.protocol,
      ...defined({ name: port.name, external, url }),
    };
  });
}

function externalPort(
  { HostConfig, NetworkSettings, State }: Container,
  internal: number,
): number | undefined {
  if (HostConfig.NetworkMode === "host") return State.Status === "running" ? internal : undefined;
  const number = Number(NetworkSettings.Ports?.[portKey(internal)]?.[0]?.HostPort ?? Number.NaN);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}

function toUrl(protocol: Port["protocol"], external: number, { host, url }: PortAddress): string {
  if (protocol === "http") return url.replaceAll("{port}", String(external));
  return `tcp://${host.includes(":") ? `[${host}]` : host}:${external}`;
}

/** Docker knows http as tcp. */
function portKey(internal: number): string {
  return `${internal}/tcp`;
}
