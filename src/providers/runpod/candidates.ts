/** Where a request could go on RunPod, best first. */

import type { CallContext } from "../../call-context.ts";
import { type AtlasErrorCode, isAtlasError } from "../../errors.ts";
import { type ResolvedGpu, resolveGpus } from "../../gpus.ts";
import type { Candidate, GpuType, PlacementRequest } from "../../provider.ts";
import type { Catalogue, Cloud } from "./catalogue.ts";
import { checkRequest, optionsOf, type RunpodPlacement } from "./placement.ts";
import type { WireCpuType, WireGpuType } from "./wire.ts";

/** A candidate, with what it is sorted by within one preference. */
interface Offer {
  readonly candidate: Candidate & { readonly placement: RunpodPlacement };
  readonly stock: GpuType["stock"];
}

/**
 * The candidates: GPU by GPU and region by region as the caller prefers them, and within one of these by stock, then price.
 * Without the catalogue they have no prices.
 */
export async function findCandidates(
  catalogue: Catalogue,
  request: PlacementRequest,
  context: CallContext,
): Promise<readonly Candidate[]> {
  checkRequest(request);
  const offers =
    request.gpus.length === 0
      ? await cpuOffers(catalogue, request, context)
      : await gpuOffers(catalogue, request, context);
  return affordable(
    offers.map(({ candidate }) => candidate),
    request,
  );
}

/** When nothing is cheap enough, everything stays, so that the caller's error can say what each would have cost. */
function affordable(
  candidates: readonly Candidate[],
  { maxCostPerHour = Number.POSITIVE_INFINITY }: PlacementRequest,
): readonly Candidate[] {
  const within = candidates.filter(({ costPerHour = 0 }) => costPerHour <= maxCostPerHour);
  return within.length > 0 ? within : candidates;
}

async function gpuOffers(
  catalogue: Catalogue,
  request: PlacementRequest,
  context: CallContext,
): Promise<readonly Offer[]> {
  const gpus = resolveGpus("runpod", request.gpus);
  const clouds = cloudsFor(request);
  const { minCudaVersion, allowedCudaVersions } = optionsOf(request);
  const shelves = await Promise.all(
    clouds.map(async (cloud) => {
      const question = { cloud, count: request.gpuCount, minCudaVersion, allowedCudaVersions };
      return { cloud, types: await unlessUnreadable(catalogue.gpus(question, context)) };
    }),
  );
  const places = regionsOf(request);
  return gpus.flatMap((gpu) =>
    places.flatMap((region) =>
      shelves
        .flatMap(({ cloud, types }) => gpuOffer(gpu, region, cloud, types, request))
        .sort(byStockAndPrice),
    ),
  );
}

function cloudsFor(request: PlacementRequest): readonly Cloud[] {
  const { cloud = "SECURE" } = optionsOf(request);
  if (cloud !== "ANY") return [cloud];
  return request.networkVolumeId === undefined ? ["SECURE", "COMMUNITY"] : ["SECURE"];
}

function regionsOf({ regions }: PlacementRequest): readonly (string | undefined)[] {
  return regions.length === 0 ? [undefined] : regions;
}

function gpuOffer(
  gpu: ResolvedGpu,
  region: string | undefined,
  cloud: Cloud,
  types: readonly WireGpuType[] | undefined,
  { gpuCount }: PlacementRequest,
): Offer[] {
  const type = types?.find(({ id }) => id === gpu.id);
  const price = type === undefined ? undefined : priceIn(type, cloud, gpuCount);
  const isUnlisted = types !== undefined && type === undefined;
  if ((isUnlisted && gpu.name !== gpu.id) || price === 0) return [];
  const cost = price === undefined ? {} : { costPerHour: toCents(price * gpuCount) };
  const candidate = { gpu: gpu.name, ...inRegion(region), ...cost, placement: { cloud, gpuId: gpu.id } };
  return [{ candidate, stock: stockIn(type, region) }];
}

/** US dollars per GPU and hour; 0 when so many are not offered there; `undefined` when the catalogue does not say. */
export function priceIn(type: WireGpuType, cloud: Cloud, count: number): number | undefined {
  const key = cloud === "SECURE" ? "secure" : "community";
  const most = type.maxCount?.[key];
  const isOffered = type[key] !== false && (most === undefined || most === null || most >= count);
  return isOffered ? (type.price?.[key] ?? undefined) : 0;
}

/** Sums of prices without the noise of binary fractions. */
function toCents(dollars: number): number {
  return Math.round(dollars * 1e6) / 1e6;
}

const STOCKS: ReadonlyMap<string, GpuType["stock"]> = new Map([
  ["HIGH", "high"],
  ["MEDIUM", "medium"],
  ["LOW", "low"],
  ["NONE", "none"],
]);
const STOCK_ORDER: readonly GpuType["stock"][] = ["high", "medium", "low", "unknown", "none"];

const NOWHERE = { availability: "NONE" };

/** The stock of a type; in one data center, where the catalogue lists those that have it. */
export function stockIn(
  type: Pick<WireGpuType, "availability" | "dataCenters"> | undefined,
  region?: string,
): GpuType["stock"] {
  const listed = region === undefined ? [] : (type?.dataCenters ?? []);
  const there = listed.length === 0 ? type : (listed.find(({ id }) => id === region) ?? NOWHERE);
  return STOCKS.get(there?.availability ?? "") ?? "unknown";
}

/** Orders by stock, the best first. */
export function byStock(one: GpuType["stock"], other: GpuType["stock"]): number {
  return STOCK_ORDER.indexOf(one) - STOCK_ORDER.indexOf(other);
}

function byStockAndPrice(one: Offer, other: Offer): number {
  const unknown = Number.MAX_VALUE;
  const { costPerHour: price = unknown } = one.candidate;
  const { costPerHour: otherPrice = unknown } = other.candidate;
  return byStock(one.stock, other.stock) || price - otherPrice;
}

function inRegion(region: string | undefined): Pick<Candidate, "region"> {
  return region === undefined ? {} : { region };
}

const FEWEST_VCPUS = 2;
const MAX_VCPUS = 512;

/** The flavors there were in November 2026, for when the catalogue cannot be read. */
const KNOWN_FLAVORS: readonly WireCpuType[] = [
  { id: "cpu3c", ramGbPerVcpu: 2 },
  { id: "cpu3g", ramGbPerVcpu: 4 },
  { id: "cpu3m", ramGbPerVcpu: 8 },
];

async function cpuOffers(
  catalogue: Catalogue,
  request: PlacementRequest,
  context: CallContext,
): Promise<readonly Offer[]> {
  const { cpus = FEWEST_VCPUS } = request;
  const flavors = (await unlessUnreadable(catalogue.cpus(powerOfTwo(cpus), context))) ?? KNOWN_FLAVORS;
  return regionsOf(request).flatMap((region) =>
    flavors.flatMap((flavor) => cpuOffer(flavor, region, request)).sort(byStockAndPrice),
  );
}

function cpuOffer(flavor: WireCpuType, region: string | undefined, request: PlacementRequest): Offer[] {
  const { cpus = FEWEST_VCPUS, memoryGb = 0 } = request;
  const forMemory = memoryGb === 0 ? 0 : memoryGb / (flavor.ramGbPerVcpu ?? 1);
  const vcpuCount = powerOfTwo(Math.max(cpus, forMemory, flavor.vcpu?.min ?? FEWEST_VCPUS));
  const price = flavor.price?.securePerVcpu;
  if (vcpuCount > (flavor.vcpu?.max ?? MAX_VCPUS) || price === 0) return [];
  const cost = typeof price === "number" ? { costPerHour: toCents(price * vcpuCount) } : {};
  const placement = { cloud: "SECURE", cpuId: flavor.id, vcpuCount } as const;
  return [{ candidate: { ...inRegion(region), ...cost, placement }, stock: stockIn(flavor, region) }];
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(atLeast, FEWEST_VCPUS)));
}

/** Failures of the catalogue that say nothing about whether a pod could be created. */
const UNREADABLE: ReadonlySet<AtlasErrorCode> = new Set([
  "FORBIDDEN",
  "NOT_FOUND",
  "PROVIDER",
  "RATE_LIMIT",
  "TIMEOUT",
  "TRANSPORT",
  "UNAVAILABLE",
]);

async function unlessUnreadable<Value>(reading: Promise<Value>): Promise<Value | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isAtlasError(error) && UNREADABLE.has(error.code)) return undefined;
    throw error;
  }
}
