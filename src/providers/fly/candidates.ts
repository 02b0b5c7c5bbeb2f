/** Where a request could go, and what of it Fly cannot do. No I/O. */
import { AtlasError, type AtlasErrorCode } from "../../errors.ts";
import { expandGpu, gpuIds } from "../../gpus.ts";
import type { Candidate, PlacementRequest } from "../../provider.ts";
import { guestCostPerHour, toGuest } from "./guest.ts";
import type { FlyComputeOptions } from "./options.ts";

const MAX_SUSPENDED_MB = 2048;

/**
 * A candidate for each region, in the caller's order; without regions one that leaves the choice to Fly, at the price of the
 * dearest region.
 * @throws UNSUPPORTED for GPUs, and for what a shared app cannot do.
 * @throws VALIDATION for a request that lacks something, or contradicts itself.
 */
export function toCandidates(
  request: PlacementRequest,
  options: FlyComputeOptions,
  sharedApp: string | undefined,
): readonly Candidate[] {
  refuseGpus(request.gpus);
  const guest = toGuest({ ...request, cpuKind: options.cpuKind });
  requireImage(request);
  refuseVolumes(request, sharedApp);
  if (sharedApp !== undefined) refuseInSharedApp(request, options);
  if (options.stopMode === "suspend" && guest.memoryMb > MAX_SUSPENDED_MB)
    throw refusal("VALIDATION", `a machine of ${guest.memoryMb} MB cannot be suspended: 2 GB is the most`);
  const regions = request.regions.length === 0 ? [undefined] : request.regions;
  return regions.map((region) => {
    const costPerHour = guestCostPerHour(guest, region);
    return {
      ...(region === undefined ? {} : { region }),
      ...(costPerHour === undefined ? {} : { costPerHour }),
    };
  });
}

/** The request's image. @throws VALIDATION when it has none. */
export function requireImage({ image }: PlacementRequest): string {
  if (image === undefined) throw refusal("VALIDATION", "a machine needs an image: say which in `image`");
  return image;
}

function refuseGpus(gpus: readonly string[]): void {
  if (gpus.length === 0) return;
  const names = gpus.flatMap(expandGpu);
  const others = ["runpod", "lambda", "vast"].filter((other) => names.some((name) => name in gpuIds(other)));
  const who = others.length === 0 ? "runpod() has GPUs" : `known to have it: ${others.join(", ")}`;
  throw refusal("UNSUPPORTED", `Fly ended GPUs on 2026-08-01, so there is no ${gpus.join(" or ")}; ${who}`);
}

function refuseVolumes(request: PlacementRequest, sharedApp: string | undefined): void {
  const { volumeGb, networkVolumeId, regions } = request;
  if (volumeGb !== undefined && networkVolumeId !== undefined)
    throw refusal("VALIDATION", "a machine has one volume: give either volumeGb or networkVolumeId");
  if (volumeGb !== undefined && regions.length === 0)
    throw refusal("VALIDATION", "a volume is in one region: say in `regions` where it may be");
  if (networkVolumeId !== undefined && sharedApp === undefined)
    throw refusal(
      "UNSUPPORTED",
      "a volume belongs to its app, and each compute has a new one: networkVolumeId needs the option app of fly()",
    );
}

function refuseInSharedApp({ ports, volumeGb }: PlacementRequest, options: FlyComputeOptions): void {
  if (ports.some(({ protocol }) => protocol === "tcp"))
    throw refusal("UNSUPPORTED", "a tcp port cannot tell the machines of a shared app apart: leave out app");
  if (volumeGb !== undefined)
    throw refusal(
      "UNSUPPORTED",
      "a volume in a shared app could outlive its compute unseen: leave out app, or give networkVolumeId",
    );
  if (options.network !== undefined || options.ipv4 !== undefined)
    throw refusal(
      "VALIDATION",
      "network and ipv4 are set when an app is created, and app names one that exists",
    );
}

function refusal(code: AtlasErrorCode, message: string): AtlasError {
  return new AtlasError(code, `fly: ${message}`, { provider: "fly" });
}
