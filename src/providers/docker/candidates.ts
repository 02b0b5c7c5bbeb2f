/** The candidates of a request on the daemon's machine, and the checks of a request. */
import type { CallContext } from "../../call-context.ts";
import { AtlasError } from "../../errors.ts";
import { canonicalGpu, gpuMemoryGb } from "../../gpus.ts";
import { defined } from "../../internal/defined.ts";
import { type FieldProblem, invalid } from "../../internal/parse.ts";
import type { Candidate, GpuType, PlacementRequest } from "../../provider.ts";
import { REGION } from "./convert.ts";
import { ANY_GPU, type Devices, findDevices, freeDevices, matchingTypes } from "./devices.ts";
import type { Host } from "./host.ts";
import { optionsOf } from "./options.ts";
import { isImageReference } from "./pull.ts";
import { heldGpus } from "./reservation.ts";

/** Bytes in the GB of a request. */
export const GB: number = 1024 ** 3;

/**
 * Finds the candidates: one for each type of GPU that the request accepts and the machine has, or the machine itself.
 * @throws UNSUPPORTED for what the machine lacks, VALIDATION for a request that Docker cannot fulfil.
 */
export async function findCandidates(
  host: Host,
  request: PlacementRequest,
  context: CallContext,
): Promise<readonly Candidate[]> {
  requireImage(request);
  requireUserOfVolume(request);
  refuseOtherRegions(request);
  if (request.gpus.length > 0) return gpuCandidates(host, request, context);
  const { NCPU, MemTotal } = await host.api.info(context);
  refuseTooLarge(request, NCPU ?? undefined, MemTotal ?? undefined);
  return [{ region: REGION, costPerHour: 0 }];
}

async function gpuCandidates(
  host: Host,
  request: PlacementRequest,
  context: CallContext,
): Promise<readonly Candidate[]> {
  const devices = await findDevices(host, context);
  const types = matchingTypes(devices, request.gpus);
  if (types.length === 0) throw unsupported(`has no ${request.gpus.join(" or ")}: ${inWords(devices)}`);
  return types.map((gpu) => ({ gpu, region: REGION, costPerHour: 0 }));
}

function inWords({ known }: Devices): string {
  const types = [
    ...new Set((known ?? []).map(({ gpu }) => gpu ?? "GPUs of a type that Docker does not tell")),
  ];
  const has = types.length === 0 ? "Docker does not tell its GPUs" : `it has ${types.join(", ")}`;
  return `${has}. Name them in the option devices, or ask for gpu: "${ANY_GPU}"`;
}

/** The request's image. @throws VALIDATION when it has none, or one that is no reference */
export function requireImage({ image }: PlacementRequest): string {
  if (image !== undefined && isImageReference(image)) return image;
  const received = image === undefined ? "nothing" : JSON.stringify(image);
  throw requestError("image", received, 'a reference such as "ghcr.io/me/server:1"');
}

/** Refuses a kept volume without the user whose volume it is. */
function requireUserOfVolume(request: PlacementRequest): void {
  if (optionsOf(request).volume !== "keep" || request.userId != null) return;
  throw requestError(
    "userId",
    "nothing",
    'the user whose volume providerOptions.docker.volume: "keep" keeps',
  );
}

function refuseOtherRegions({ regions }: PlacementRequest): void {
  if (regions.length === 0 || regions.includes(REGION)) return;
  throw unsupported(`has one region, "${REGION}" (requested: ${regions.join(", ")})`);
}

function refuseTooLarge(
  { cpus, memoryGb }: PlacementRequest,
  ownCpus: number | undefined,
  ownBytes: number | undefined,
): void {
  if (cpus !== undefined && ownCpus !== undefined && cpus > ownCpus)
    throw unsupported(`has ${ownCpus} CPUs, and the request asks for ${cpus}`);
  if (memoryGb !== undefined && ownBytes !== undefined && memoryGb * GB > ownBytes)
    throw unsupported(`has ${(ownBytes / GB).toFixed(1)} GB of memory, and the request asks for ${memoryGb}`);
}

function unsupported(problem: string): AtlasError {
  return new AtlasError("UNSUPPORTED", `docker: the daemon's machine ${problem}`, { provider: "docker" });
}

/** The error for one field of a request. */
export function requestError(name: string, received: string, allowed: string): AtlasError {
  const problem: FieldProblem = { field: name, received, allowed };
  return invalid("The request", [problem]);
}

/** Lists the types of the machine's GPUs, with the number of free ones as their stock. */
export async function listGpuTypes(host: Host, context: CallContext): Promise<readonly GpuType[]> {
  const devices = await findDevices(host, context);
  const taken = await heldGpus(host, context);
  const types = [
    ...new Set((devices.known ?? [{ id: "0" }]).map((device) => ("gpu" in device ? device.gpu : undefined))),
  ];
  return types.map((type) => {
    const id = type ?? ANY_GPU;
    const free = freeDevices(devices, id, 1, taken).length;
    const name = type === undefined ? undefined : nameOf(type);
    return {
      provider: "docker",
      id,
      ...defined({ name, memoryGb: name === undefined ? undefined : gpuMemoryGb(name) }),
      costPerHour: 0,
      stock: devices.known === undefined ? "unknown" : stockOf(free),
      regions: [REGION],
    };
  });
}

function nameOf(type: string): string | undefined {
  return gpuMemoryGb(type) === undefined ? canonicalGpu("runpod", type) : type;
}

function stockOf(free: number): GpuType["stock"] {
  if (free === 0) return "none";
  if (free === 1) return "low";
  return free < 4 ? "medium" : "high";
}
