/** Where a pod goes, as a candidate notes it; and the body that creates it there. Pure. */
import * as z from "zod/mini";
import { AtlasError } from "../../errors.ts";
import { type FieldProblem, invalid } from "../../internal/parse.ts";
import type { CreateRequest, PlacementRequest } from "../../provider.ts";
import type { RunpodComputeOptions } from "./options.ts";

const placementSchema = z.union([
  z.object({ cloud: z.enum(["SECURE", "COMMUNITY"]), gpuId: z.string() }),
  z.object({ cloud: z.literal("SECURE"), cpuId: z.string(), vcpuCount: z.int() }),
]);

/** What a candidate of this provider carries. */
export type RunpodPlacement = z.infer<typeof placementSchema>;

const DEFAULT_GPU_DISK_GB = 50;
const DEFAULT_CPU_DISK_GB = 20;
const SMALLEST_VOLUME_GB = 10;
const MAX_VARIABLES = 50;

/** The options of a request, which the caller parsed. */
export function optionsOf({ options }: PlacementRequest): RunpodComputeOptions {
  return (options ?? {}) as RunpodComputeOptions;
}

/**
 * Refuses what RunPod would refuse whatever the place.
 * @throws VALIDATION naming every field.
 */
export function checkRequest(request: PlacementRequest): void {
  const problems = RULES.flatMap(([field, breaks, received, allowed]) =>
    breaks(request, optionsOf(request)) ? [{ field, received, allowed }] : [],
  );
  if (problems.length > 0) throw refuse(problems);
}

type Rule = readonly [
  field: string,
  breaks: (request: PlacementRequest, options: RunpodComputeOptions) => boolean,
  received: string,
  allowed: string,
];

const RULES: readonly Rule[] = [
  [
    "image",
    ({ image }, { templateId }) => image === undefined && templateId === undefined,
    "nothing",
    "an image, or providerOptions.runpod.templateId",
  ],
  [
    "volumeGb",
    ({ volumeGb = SMALLEST_VOLUME_GB }) => volumeGb < SMALLEST_VOLUME_GB,
    "less",
    `${SMALLEST_VOLUME_GB} GB or more on RunPod`,
  ],
  [
    "volumeGb",
    ({ volumeGb, networkVolumeId }) => volumeGb !== undefined && networkVolumeId !== undefined,
    "networkVolumeId as well",
    "one of the two: a pod on RunPod has one volume",
  ],
  [
    "volumeGb",
    ({ volumeGb, gpus }) => volumeGb !== undefined && gpus.length === 0,
    "a CPU machine",
    "a GPU: RunPod has no volumes of its own for CPU pods; use networkVolumeId",
  ],
  [
    "providerOptions.runpod.cloud",
    ({ networkVolumeId }, { cloud }) => networkVolumeId !== undefined && cloud === "COMMUNITY",
    '"COMMUNITY"',
    "SECURE or ANY with networkVolumeId: network volumes exist in Secure Cloud only",
  ],
  [
    "providerOptions.runpod.cloud",
    ({ gpus }, { cloud }) => gpus.length === 0 && cloud === "COMMUNITY",
    '"COMMUNITY"',
    "SECURE or ANY without a GPU: CPU pods exist in Secure Cloud only",
  ],
  [
    "providerOptions.runpod.dataCenterIds",
    ({ regions }, { dataCenterIds }) => regions.length > 0 && dataCenterIds !== undefined,
    "regions as well",
    "one of the two",
  ],
];

/**
 * The body of the request that creates the pod.
 * @throws VALIDATION when there are more variables than RunPod takes.
 */
export function toCreateBody(request: CreateRequest): Readonly<Record<string, unknown>> {
  const options = optionsOf(request);
  const placement = parsePlacement(request.candidate.placement);
  const dataCenterIds =
    request.candidate.region === undefined ? options.dataCenterIds : [request.candidate.region];
  const body = {
    name: request.name,
    image: request.image,
    cloud: placement.cloud,
    ...toHardware(placement, request, options),
    dataCenterIds,
    disk: toDisk(placement, request, options),
    env: toEnv(request),
    ports: request.ports.map(({ internal, protocol }) => `${internal}/${protocol}`),
    cmd: request.command,
    entrypoint: options.entrypoint,
    mounts: toMounts(request),
    registry: options.registryId,
    templateId: options.templateId,
    startSsh: options.startSsh,
    startJupyter: options.startJupyter,
    globalNetworking: options.globalNetworking,
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

function parsePlacement(placement: unknown): RunpodPlacement {
  const parsed = placementSchema.safeParse(placement);
  if (parsed.success) return parsed.data;
  const message = "runpod: the candidate is not one that this provider offered";
  throw new AtlasError("VALIDATION", message, { provider: "runpod", mayHaveCreated: false });
}

/** `gpu.count` is always there: without it RunPod finds no host and calls that a lack of capacity. */
function toHardware(
  placement: RunpodPlacement,
  { gpuCount, cpus, memoryGb }: CreateRequest,
  { minCudaVersion, allowedCudaVersions }: RunpodComputeOptions,
): Readonly<Record<string, unknown>> {
  if ("cpuId" in placement) return { cpu: { id: placement.cpuId, vcpuCount: placement.vcpuCount } };
  const gpu = {
    ...{ id: placement.gpuId, count: gpuCount, minCudaVersion, allowedCudaVersions },
    minRamPerGpu: memoryGb === undefined ? undefined : Math.ceil(memoryGb / gpuCount),
    minVcpuCountPerGpu: cpus === undefined ? undefined : Math.ceil(cpus / gpuCount),
  };
  return { gpu: Object.fromEntries(Object.entries(gpu).filter(([, value]) => value !== undefined)) };
}

function toDisk(
  placement: RunpodPlacement,
  { diskGb }: CreateRequest,
  { templateId }: RunpodComputeOptions,
): number | undefined {
  if (diskGb !== undefined || templateId !== undefined) return diskGb;
  return "cpuId" in placement ? DEFAULT_CPU_DISK_GB : DEFAULT_GPU_DISK_GB;
}

function toEnv({ env, owner }: CreateRequest): Readonly<Record<string, string>> {
  const all = { ...env, ATLAS_OWNER: owner };
  const count = Object.keys(all).length;
  if (count <= MAX_VARIABLES) return all;
  const allowed = `${MAX_VARIABLES} on RunPod, the ones named ATLAS_ included`;
  throw refuse([{ field: "env", received: `${count} variables`, allowed }]);
}

function toMounts({ volumeGb, networkVolumeId, volumePath }: CreateRequest): unknown {
  const path = volumePath ?? "/workspace";
  if (networkVolumeId !== undefined) return { network: [{ volumeId: networkVolumeId, path }] };
  return volumeGb === undefined ? undefined : { persistent: { size: volumeGb, path } };
}

function refuse(problems: readonly FieldProblem[]): AtlasError {
  const { code, message, details } = invalid("The request", problems);
  return new AtlasError(code, message, { provider: "runpod", mayHaveCreated: false, details });
}
