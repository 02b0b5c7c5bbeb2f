/** Volumes: those that end with their container, those that exist already, and those that are kept for a user. */
import type { CallContext } from "../../call-context.ts";
import { defined } from "../../internal/defined.ts";
import { namePrefix } from "../../internal/names.ts";
import type { CreateRequest } from "../../provider.ts";
import { requestError } from "./candidates.ts";
import type { Host } from "./host.ts";
import { optionsOf } from "./options.ts";
import type { KeptVolumes } from "./types.ts";
import { keptVolumeName } from "./volume-names.ts";
import { LABELS, type MountBody } from "./wire.ts";

const DEFAULT_PATH = "/workspace";

/** The mounts of a request. @throws VALIDATION when its volume does not exist: Docker would create an empty one by that name */
export async function toMounts(
  host: Host,
  request: CreateRequest,
  context: CallContext,
): Promise<readonly MountBody[]> {
  const { networkVolumeId, volumeGb, volumePath: Target = DEFAULT_PATH } = request;
  const isKept = optionsOf(request).volume === "keep";
  if (networkVolumeId !== undefined && isKept)
    throw requestError(
      "networkVolumeId",
      'volume: "keep" as well',
      "one of the two: both mount at volumePath",
    );
  if (networkVolumeId !== undefined) {
    if (await host.api.hasVolume(networkVolumeId, context))
      return [{ Type: "volume", Source: networkVolumeId, Target }];
    throw requestError(
      "networkVolumeId",
      JSON.stringify(networkVolumeId),
      "the name of a volume on the daemon",
    );
  }
  if (isKept) return [keptMount(request, Target)];
  return volumeGb === undefined ? [] : [{ Type: "volume", Target }];
}

function keptMount({ name, userId, slot }: CreateRequest, Target: string): MountBody {
  const prefix = prefixOf(name);
  const Source = keptVolumeName(prefix, userId ?? "", slot ?? undefined);
  return { Type: "volume", Source, Target, VolumeOptions: { Labels: { [LABELS.keptFor]: prefix } } };
}

/** `atlas-<namespace>-`, the part of an instance's name before the id. */
function prefixOf(instanceName: string): string {
  return instanceName.slice(0, instanceName.lastIndexOf("-") + 1);
}

/** The kept volumes of a daemon. */
export function keptVolumes(host: () => Host): Omit<KeptVolumes, "nameOf"> {
  return {
    list: async (namespace, context) => {
      const filters = { label: [`${LABELS.keptFor}=${namePrefix(namespace)}`] };
      const volumes = await host().api.volumes(filters, context);
      return volumes.map(({ Name, CreatedAt }) => ({
        name: Name,
        ...defined({ createdAt: CreatedAt == null ? undefined : new Date(CreatedAt) }),
      }));
    },
    remove: (name, context) => host().api.removeVolume(name, context),
  };
}
