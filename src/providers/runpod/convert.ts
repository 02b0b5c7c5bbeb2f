/** Pods as the contract's instances. Pure. */
import { canonicalGpu } from "../../gpus.ts";
import { redacted } from "../../internal/redact.ts";
import type { Instance, InstanceStatus, Port, PortRequest } from "../../provider.ts";
import type { Pod } from "./wire.ts";

const STATUSES: ReadonlyMap<string, InstanceStatus> = new Map([
  ["PROVISIONING", "provisioning"],
  ["STARTING", "provisioning"],
  ["RUNNING", "running"],
  ["EXITED", "stopped"],
  ["ERROR", "failed"],
  ["TERMINATED", "terminated"],
]);

/** The pod as an instance. `asked` stands in for ports that the pod does not list. */
export function toInstance(pod: Pod, asked: readonly PortRequest[] = []): Instance {
  const status = STATUSES.get(pod.status) ?? "unknown";
  const createdAt = toDate(pod.createdAt);
  const owner = pod.env?.ATLAS_OWNER;
  return {
    providerId: pod.id,
    name: pod.name,
    status,
    ports: toPorts(pod, asked),
    ...toGpu(pod),
    ...(typeof owner === "string" ? { owner } : {}),
    ...(status === "failed" ? { message: "RunPod reports the status ERROR for this pod" } : {}),
    ...(pod.dataCenterId ? { region: pod.dataCenterId } : {}),
    ...(typeof pod.cost === "number" && pod.cost > 0 ? { costPerHour: pod.cost } : {}),
    ...(createdAt === undefined ? {} : { createdAt }),
    raw: withoutEnv(pod),
  };
}

/** Whether the pod belongs into a list: it is not gone for good. */
export function isListed(pod: Pod): boolean {
  return STATUSES.get(pod.status) !== "terminated";
}

/** A time as RunPod writes it; `undefined` for anything that is not one. */
export function toDate(text: string | null | undefined): Date | undefined {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? undefined : new Date(time);
}

function toGpu({ gpu }: Pod): Pick<Instance, "gpu" | "gpuCount"> {
  if (!gpu?.id) return {};
  return { gpu: canonicalGpu("runpod", gpu.id) ?? gpu.id, gpuCount: gpu.count ?? 1 };
}

function withoutEnv(pod: Pod): unknown {
  if (!pod.env) return pod;
  return { ...pod, env: Object.fromEntries(Object.keys(pod.env).map((name) => [name, redacted])) };
}

function toPorts(pod: Pod, asked: readonly PortRequest[]): readonly Port[] {
  const listed = (pod.ports ?? []).flatMap(toPortRequest);
  return (listed.length > 0 ? listed : asked).map(({ internal, protocol }) => {
    const address = protocol === "http" ? proxyAddress(pod.id, internal) : publicAddress(pod, internal);
    return { internal, protocol, ...address };
  });
}

function toPortRequest(text: string): PortRequest[] {
  const [, number, protocol] = /^([1-9][0-9]{0,4})\/(http|tcp)$/.exec(text) ?? [];
  return protocol === "http" || protocol === "tcp" ? [{ internal: Number(number), protocol }] : [];
}

/** Known as soon as the id is: RunPod's proxy has one host name a pod and port. */
function proxyAddress(id: string, internal: number): Pick<Port, "external" | "url"> {
  return { external: 443, url: `https://${id}-${internal}.proxy.runpod.net` };
}

/** Only while the pod runs: a stopped pod goes on showing the addresses it had. */
function publicAddress({ status, runtime }: Pod, internal: number): Pick<Port, "external" | "url"> {
  if (status !== "RUNNING") return {};
  const mapped = runtime?.ports?.find((port) => port.private === internal && port.type === "tcp");
  if (!mapped?.public || !mapped.ip || !isPublicAddress(mapped.ip)) return {};
  const host = mapped.ip.includes(":") ? `[${mapped.ip}]` : mapped.ip;
  return { external: mapped.public, url: `tcp://${host}:${mapped.public}` };
}

const NOT_PUBLIC: readonly RegExp[] = [
  /^(0|10|127)\./,
  /^100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\./,
  /^169\.254\./,
  /^172\.(1[6-9]|2[0-9]|3[01])\./,
  /^192\.168\./,
  /^(::1$|f[cd]|fe[89ab])/i,
];

function isPublicAddress(ip: string): boolean {
  return !NOT_PUBLIC.some((range) => range.test(ip));
}
