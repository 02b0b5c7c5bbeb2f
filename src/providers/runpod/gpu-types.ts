/** RunPod's GPU types in the contract's form: one entry per type, with both clouds merged. */

import type { CallContext } from "../../call-context.ts";
import { canonicalGpu } from "../../gpus.ts";
import { defined } from "../../internal/defined.ts";
import type { GpuType } from "../../provider.ts";
import type { Catalogue, Cloud } from "./catalogue.ts";
import { byStock, priceIn, stockIn } from "./stock.ts";
import type { WireGpuType } from "./wire.ts";

const CLOUDS: readonly Cloud[] = ["SECURE", "COMMUNITY"];

/** Every GPU type that at least one cloud offers. */
export async function listGpuTypes(catalogue: Catalogue, context: CallContext): Promise<readonly GpuType[]> {
  const shelves = await Promise.all(
    CLOUDS.map(async (cloud) => {
      const types = await catalogue.gpus({ cloud, count: 1 }, context);
      return types
        .filter((type) => type.id !== "unknown" && priceIn(type, cloud, 1) !== 0)
        .map(toOffer(cloud));
    }),
  );
  const byId = Map.groupBy(shelves.flat(), ({ id }) => id);
  return [...byId.values()].map((offers) => offers.reduce(merge));
}

function toOffer(cloud: Cloud): (type: WireGpuType) => GpuType {
  return (type) => {
    const name = canonicalGpu("runpod", type.id);
    const price = priceIn(type, cloud, 1);
    const open = (type.dataCenters ?? []).filter(({ availability }) => availability !== "NONE");
    return defined({
      provider: "runpod",
      id: type.id,
      name,
      memoryGb: type.memory ?? undefined,
      costPerHour: price,
      stock: stockIn(type),
      regions: open.map(({ id }) => id),
    });
  };
}

function merge(one: GpuType, other: GpuType): GpuType {
  const prices = [one, other].flatMap(({ costPerHour }) => costPerHour ?? []);
  return {
    ...one,
    ...defined({ costPerHour: prices.length === 0 ? undefined : Math.min(...prices) }),
    stock: byStock(one.stock, other.stock) <= 0 ? one.stock : other.stock,
    regions: [...new Set([...one.regions, ...other.regions])],
  };
}
