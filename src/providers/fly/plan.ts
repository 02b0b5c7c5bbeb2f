/** Everything that a create will ask of Fly, worked out before the first request. Pure. */
import { AtlasError } from "../../errors.ts";
import type { CreateRequest } from "../../provider.ts";
import { requireImage } from "./candidates.ts";
import { toMachineBody } from "./convert.ts";
import { toNetworkName } from "./network.ts";
import type { FlyComputeOptions } from "./options.ts";
import type { AddressType, MachineBody, Mount, VolumeBody } from "./wire.ts";

/** What to make: in an app of its own all of it, in a shared app the machine. */
export interface Plan {
  readonly network: string;
  readonly addresses: readonly AddressType[];
  readonly volume: { readonly body: VolumeBody; readonly path: string } | undefined;
  readonly machine: MachineBody;
}

const DEFAULT_VOLUME_PATH = "/workspace";

/** The plan of a request. @throws VALIDATION for a request that cannot be carried out. */
export function toPlan(request: CreateRequest, options: FlyComputeOptions, now: Date): Plan {
  return {
    network: options.network ?? toNetworkName(request.name, request.owner, now),
    addresses: addressTypes(request, options),
    volume: toVolume(request),
    machine: toMachineBody(request, requireImage(request), options, presentMounts(request)),
  };
}

/** A shared IPv4 address carries nothing but TLS: an app without an http port is better off without one. */
function addressTypes({ ports }: CreateRequest, { ipv4 }: FlyComputeOptions): readonly AddressType[] {
  if (ports.length === 0) return [];
  if (ipv4 === "dedicated") return ["v4", "v6"];
  return ports.some(({ protocol }) => protocol === "http") ? ["shared_v4", "v6"] : ["v6"];
}

function toVolume(request: CreateRequest): Plan["volume"] {
  const { volumeGb, volumePath = DEFAULT_VOLUME_PATH, candidate } = request;
  if (volumeGb === undefined) return undefined;
  if (candidate.region === undefined)
    throw new AtlasError("VALIDATION", "fly: a volume needs a region", { provider: "fly" });
  return { body: { name: "data", region: candidate.region, size_gb: volumeGb }, path: volumePath };
}

function presentMounts(request: CreateRequest): readonly Mount[] {
  const { networkVolumeId, volumePath = DEFAULT_VOLUME_PATH } = request;
  return networkVolumeId === undefined ? [] : [{ volume: networkVolumeId, path: volumePath }];
}
