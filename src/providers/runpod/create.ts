/** Creating a pod: the body of the request, and the request. */

import type { CallContext } from "../../call-context.ts";
import { defined } from "../../internal/defined.ts";
import type { CreateRequest, Instance } from "../../provider.ts";
import type { RunpodApi } from "./api.ts";
import { parsePlacement, type RunpodPlacement, requestError } from "./candidates.ts";
import { toInstance } from "./convert.ts";
import { optionsOf, type RunpodComputeOptions } from "./options.ts";

const DEFAULT_GPU_DISK_GB = 50;
const DEFAULT_CPU_DISK_GB = 20;
const MAX_VARIABLES = 50;

/** Creates one pod, in one attempt. */
export async function createInstance(
  api: RunpodApi,
  request: CreateRequest,
  context: CallContext,
): Promise<Instance> {
  const pod = await api.createPod(toCreateBody(request), quotable(request), context);
  return toInstance(pod, request.ports);
}

const MIN_SECRET_ARGUMENT = 8;

/** The texts of the request that an error may quote, and that are no words of RunPod's: values of the environment, long arguments. */
function quotable({ env, command = [] }: CreateRequest): readonly string[] {
  return [...Object.values(env), ...command.filter((argument) => argument.length >= MIN_SECRET_ARGUMENT)];
}

/**
 * The body of the request that creates the pod.
 * @throws VALIDATION when the request has more variables than RunPod accepts.
 */
function toCreateBody(request: CreateRequest): object {
  const options = optionsOf(request);
  const placement = parsePlacement(request.candidate.placement);
  const dataCenterIds =
    request.candidate.region === undefined ? options.dataCenterIds : [request.candidate.region];
  return defined({
    name: request.name,
    image: request.image,
    cloud: placement.cloud,
    ...toHardware(placement, request, options),
    dataCenterIds,
    disk: toDisk(placement, request, options),
    env: toEnv(request),
    ports: toPorts(request, options),
    cmd: request.command,
    entrypoint: options.entrypoint,
    mounts: toMounts(request),
    registry: options.registryId,
    templateId: options.templateId,
    startSsh: options.startSsh,
    startJupyter: options.startJupyter,
    globalNetworking: options.globalNetworking,
  });
}

/** The body always has `gpu.count`: without it RunPod finds no host and reports a lack of capacity. */
function toHardware(
  placement: RunpodPlacement,
  { gpuCount, cpus, memoryGb }: CreateRequest,
  { minCudaVersion, allowedCudaVersions }: RunpodComputeOptions,
): Readonly<Record<string, unknown>> {
  if ("cpuId" in placement) return { cpu: { id: placement.cpuId, vcpuCount: placement.vcpuCount } };
  const gpu = defined({
    id: placement.gpuId,
    count: gpuCount,
    minCudaVersion,
    allowedCudaVersions,
    minRamPerGpu: memoryGb === undefined ? undefined : Math.ceil(memoryGb / gpuCount),
    minVcpuCountPerGpu: cpus === undefined ? undefined : Math.ceil(cpus / gpuCount),
  });
  return { gpu };
}

function toDisk(
  placement: RunpodPlacement,
  { diskGb }: CreateRequest,
  { templateId }: RunpodComputeOptions,
): number | undefined {
  if (diskGb !== undefined || templateId !== undefined) return diskGb;
  return "cpuId" in placement ? DEFAULT_CPU_DISK_GB : DEFAULT_GPU_DISK_GB;
}

/** The ports in RunPod's form. Without any, a template's own ports count: a list in the body, even an empty one, replaces them. */
function toPorts(
  { ports }: CreateRequest,
  { templateId }: RunpodComputeOptions,
): readonly string[] | undefined {
  if (ports.length === 0 && templateId !== undefined) return undefined;
  return ports.map(({ internal, protocol }) => `${internal}/${protocol}`);
}

function toEnv({ env, owner }: CreateRequest): Readonly<Record<string, string>> {
  const all = { ...env, ATLAS_OWNER: owner };
  const count = Object.keys(all).length;
  if (count <= MAX_VARIABLES) return all;
  const allowed = `${MAX_VARIABLES} on RunPod, with those named ATLAS_`;
  throw requestError([{ field: "env", received: `${count} variables`, allowed }]);
}

function toMounts({ volumeGb, networkVolumeId, volumePath }: CreateRequest): unknown {
  const path = volumePath ?? "/workspace";
  if (networkVolumeId !== undefined) return { network: [{ volumeId: networkVolumeId, path }] };
  return volumeGb === undefined ? undefined : { persistent: { size: volumeGb, path } };
}
