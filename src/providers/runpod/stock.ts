/** Price and stock of a catalogue entry. Pure. */
import type { GpuType } from "../../provider.ts";
import type { Cloud } from "./catalogue.ts";
import type { WireGpuType } from "./wire.ts";

/** US dollars per GPU and hour; 0 when the cloud does not offer that many; `undefined` when the catalogue has no price. */
export function priceIn(type: WireGpuType, cloud: Cloud, count: number): number | undefined {
  const key = cloud === "SECURE" ? "secure" : "community";
  const most = type.maxCount?.[key];
  const isOffered = type[key] !== false && (most === undefined || most === null || most >= count);
  return isOffered ? (type.price?.[key] ?? undefined) : 0;
}

const STOCKS: ReadonlyMap<string, GpuType["stock"]> = new Map([
  ["HIGH", "high"],
  ["MEDIUM", "medium"],
  ["LOW", "low"],
  ["NONE", "none"],
]);
const STOCK_ORDER: readonly GpuType["stock"][] = ["high", "medium", "low", "unknown", "none"];

const NOT_LISTED = { availability: "NONE" };

/** The stock of a type: in the region where the catalogue lists data centers for the type, else in all of RunPod. */
export function stockIn(
  type: Pick<WireGpuType, "availability" | "dataCenters"> | undefined,
  region?: string,
): GpuType["stock"] {
  const listed = region === undefined ? [] : (type?.dataCenters ?? []);
  const there = listed.length === 0 ? type : (listed.find(({ id }) => id === region) ?? NOT_LISTED);
  return STOCKS.get(there?.availability ?? "") ?? "unknown";
}

/** Orders by stock, the best first. */
export function byStock(one: GpuType["stock"], other: GpuType["stock"]): number {
  return STOCK_ORDER.indexOf(one) - STOCK_ORDER.indexOf(other);
}
