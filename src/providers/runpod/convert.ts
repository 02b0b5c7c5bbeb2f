/** Converts RunPod's answers to the contract's instances. Pure. */
import { canonicalGpu } from "../../gpus.ts";
import { isPrivateAddress } from "../../internal/addresses.ts";
import { defined } from "../../internal/defined.ts";
import { withoutEnv } from "../../internal/redact.ts";
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

/** Converts a pod to an instance. The requested ports stand in for a pod that lists none. */
export function toInstance(pod: Pod, requested: readonly PortRequest[] = []): Instance {
  const status = STATUSES.get(pod.status) ?? "unknown";
  const owner = pod.env?.ATLAS_OWNER;
  const facts = defined({
    owner: typeof owner === "string" ? owner : undefined,
    message: status === "failed" ? "RunPod reports the status ERROR for this pod" : undefined,
    region: pod.dataCenterId || undefined,
    costPerHour: typeof pod.cost === "number" && pod.cost > 0 ? pod.cost : undefined,
    createdAt: toDate(pod.createdAt),
  });
  return {
    ...facts,
    ...toGpu(pod),
    providerId: pod.id,
    name: pod.name,
    status,
    ports: toPorts(pod, requested),
    raw: withoutEnv(pod),
  };
}

/** True when lists show the pod: it is not terminated. */
export function isListed(pod: Pod): boolean {
  return STATUSES.get(pod.status) !== "terminated";
}

/** Parses a time of RunPod's; `undefined` when the text is not one. */
export function toDate(text: string | null | undefined): Date | undefined {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? undefined : new Date(time);
}

function toGpu({ gpu }: Pod): Pick<Instance, "gpu" | "gpuCount"> {
  if (!gpu?.id) return {};
  return { gpu: canonicalGpu("runpod", gpu.id) ?? gpu.id, gpuCount: gpu.count ?? 1 };
}

function toPorts(pod: Pod, requested: readonly PortRequest[]): readonly Port[] {
  const listed = (pod.ports ?? []).flatMap(toPortRequest);
  return (listed.length > 0 ? listed : requested).map(({ internal, protocol }) => {
    const address = protocol === "http" ? proxyAddress(pod.id, internal) : publicAddress(pod, internal);
    return { internal, protocol, ...address };
  });
}

function toPortRequest(text: string): PortRequest[] {
  const [, number, protocol] = /^([1-9][0-9]{0,4})\/(http|tcp)$/.exec(text) ?? [];
  return protocol === "http" || protocol === "tcp" ? [{ internal: Number(number), protocol }] : [];
}

/** The address at RunPod's proxy, which has one host name per pod and port, so that the pod's id is enough to know it. */
function proxyAddress(id: string, internal: number): Pick<Port, "external" | "url"> {
  return { external: 443, url: `https://${id}-${internal}.proxy.runpod.net` };
}

/** The characters of an IP address: anything else could be another host, or more than a host. */
const ADDRESS = /^[0-9a-f:.]+$/i;

/** The public address of a running pod. A stopped pod still shows its former addresses. */
function publicAddress({ status, runtime }: Pod, internal: number): Pick<Port, "external" | "url"> {
  if (status !== "RUNNING") return {};
  const mapped = runtime?.ports?.find((port) => port.private === internal && port.type === "tcp");
  if (!mapped?.public || !mapped.ip || !ADDRESS.test(mapped.ip) || isPrivateAddress(mapped.ip)) return {};
  const host = mapped.ip.includes(":") ? `[${mapped.ip}]` : mapped.ip;
  return { external: mapped.public, url: `tcp://${host}:${mapped.public}` };
}
