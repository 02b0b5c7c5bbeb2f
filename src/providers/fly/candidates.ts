/** The candidates of a request on Fly, and the checks of a request. No I/O. */
import { AtlasError, type AtlasErrorCode } from "../../errors.ts";
import { expandGpu, gpuIds } from "../../gpus.ts";
import { defined } from "../../internal/defined.ts";
import type { Candidate, PlacementRequest } from "../../provider.ts";
import { type Guest, guestCostPerHour, toGuest } from "./guest.ts";
import type { FlyComputeOptions } from "./options.ts";

const MAX_SUSPENDED_MB = 2048;

/**
 * Finds the candidates: one per region, in the caller's order. Without regions, one candidate leaves the choice to Fly, at the price of
 * the dearest region.
 * @throws UNSUPPORTED for GPUs, and for features that a shared app lacks.
 * @throws VALIDATION for a request that lacks a field or contradicts itself.
 */
export function findCandidates(
  request: PlacementRequest,
  options: FlyComputeOptions,
  sharedApp: string | undefined,
): readonly Candidate[] {
  const guest = checkRequest(request, options, sharedApp);
  const regions = request.regions.length === 0 ? [undefined] : request.regions;
  return regions.map((region) => defined({ region, costPerHour: guestCostPerHour(guest, region) }));
}

function checkRequest(
  request: PlacementRequest,
  options: FlyComputeOptions,
  sharedApp: string | undefined,
): Guest {
  refuseGpus(request.gpus);
  const guest = toGuest({ ...request, cpuKind: options.cpuKind });
  requireImage(request);
  refuseVolumes(request, sharedApp);
  if (sharedApp !== undefined) refuseInSharedApp(request, options);
  if (options.stopMode === "suspend" && guest.memoryMb > MAX_SUSPENDED_MB)
    throw requestError(
      "VALIDATION",
      `a machine of ${guest.memoryMb} MB cannot be suspended; the maximum is 2 GB`,
    );
  return guest;
}

/** The request's image. @throws VALIDATION when it has none. */
export function requireImage({ image }: PlacementRequest): string {
  if (image === undefined) throw requestError("VALIDATION", "a machine needs an image: set `image`");
  return image;
}

function refuseGpus(gpus: readonly string[]): void {
  if (gpus.length === 0) return;
  const names = gpus.flatMap(expandGpu);
  const others = ["runpod", "lambda", "vast"].filter((other) => names.some((name) => name in gpuIds(other)));
  const alternative = others.length === 0 ? "runpod() has GPUs" : `providers with it: ${others.join(", ")}`;
  throw requestError(
    "UNSUPPORTED",
    `Fly ended GPUs on 2026-08-01, so there is no GPU for ${gpus.join(" or ")}; ${alternative}`,
  );
}

function refuseVolumes(request: PlacementRequest, sharedApp: string | undefined): void {
  const { volumeGb, networkVolumeId, regions } = request;
  if (volumeGb !== undefined && networkVolumeId !== undefined)
    throw requestError("VALIDATION", "a machine has one volume: set either volumeGb or networkVolumeId");
  if (volumeGb !== undefined && regions.length === 0)
    throw requestError("VALIDATION", "a volume is in one region: list possible regions in `regions`");
  if (networkVolumeId !== undefined && sharedApp === undefined)
    throw requestError(
      "UNSUPPORTED",
      "a volume belongs to its app, and each compute has a new app: networkVolumeId needs the option app of fly()",
    );
}

function refuseInSharedApp({ ports, volumeGb }: PlacementRequest, options: FlyComputeOptions): void {
  if (ports.some(({ protocol }) => protocol === "tcp"))
    throw requestError(
      "UNSUPPORTED",
      "a tcp port cannot distinguish the machines of a shared app: leave out app",
    );
  if (volumeGb !== undefined)
    throw requestError(
      "UNSUPPORTED",
      "a volume in a shared app could outlive its compute unnoticed: leave out app, or use networkVolumeId",
    );
  if (options.network !== undefined || options.ipv4 !== undefined)
    throw requestError(
      "VALIDATION",
      "network and ipv4 apply to the create of an app, and app names an existing one: leave them out",
    );
}

function requestError(code: AtlasErrorCode, message: string): AtlasError {
  return new AtlasError(code, `fly: ${message}`, { provider: "fly" });
}
