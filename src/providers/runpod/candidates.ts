/** The candidates of a request on RunPod, best first. */

import * as z from "zod/mini";
import type { CallContext } from "../../call-context.ts";
import { AtlasError, type AtlasErrorCode, isAtlasError } from "../../errors.ts";
import { ANY_GPU, canonicalGpu, type ResolvedGpu, resolveGpus } from "../../gpus.ts";
import { defined } from "../../internal/defined.ts";
import { type FieldProblem, invalid } from "../../internal/parse.ts";
import type { Candidate, GpuType, PlacementRequest } from "../../provider.ts";
import type { Catalogue, Cloud } from "./catalogue.ts";
import { optionsOf, type RunpodComputeOptions } from "./options.ts";
import { byStock, priceIn, stockIn } from "./stock.ts";
import type { WireCpuType, WireGpuType } from "./wire.ts";

const SMALLEST_VOLUME_GB = 10;

const placementSchema = z.union([
  z.object({ cloud: z.enum(["SECURE", "COMMUNITY"]), gpuId: z.string() }),
  z.object({ cloud: z.literal("SECURE"), cpuId: z.string(), vcpuCount: z.int() }),
]);

/** The placement that a candidate of this provider carries. */
export type RunpodPlacement = z.infer<typeof placementSchema>;

/** A candidate, and the stock by which candidates of one preference are sorted. */
interface Offer {
  readonly candidate: Candidate & { readonly placement: RunpodPlacement };
  readonly stock: GpuType["stock"];
}

/**
 * Finds the candidates in the caller's order of GPUs, then regions; candidates of the same GPU and region are sorted by stock, then
 * price. When the catalogue cannot be read, candidates have no price.
 * @throws VALIDATION when the request breaks a rule of RunPod's.
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

/** Drops candidates that cost too much. Keeps all of them when none is cheap enough, so that the caller's error can name each price. */
function affordable(
  candidates: readonly Candidate[],
  { maxCostPerHour = Number.POSITIVE_INFINITY }: PlacementRequest,
): readonly Candidate[] {
  const within = candidates.filter(({ costPerHour = 0 }) => costPerHour <= maxCostPerHour);
  return within.length > 0 ? within : candidates;
}

/** The GPU types of one cloud; `undefined` when the catalogue cannot be read. */
interface Shelf {
  readonly cloud: Cloud;
  readonly types: readonly WireGpuType[] | undefined;
}

async function gpuOffers(
  catalogue: Catalogue,
  request: PlacementRequest,
  context: CallContext,
): Promise<readonly Offer[]> {
  const gpus = resolveGpus("runpod", request.gpus);
  const shelves = await readShelves(catalogue, request, context);
  const offers = gpus.flatMap((gpu) =>
    regionsOf(request).flatMap((region) =>
      gpu.id === ANY_GPU
        ? anyGpuOffers(region, shelves, request)
        : shelves.flatMap((shelf) => gpuOffer(gpu, region, shelf, request)).sort(byStockAndPrice),
    ),
  );
  return [...new Map(offers.map((offer) => [JSON.stringify(offer.candidate), offer])).values()];
}

/** @throws when the catalogue cannot be read and the request is for any GPU, because only the catalogue tells which one is cheap. */
async function readShelves(
  catalogue: Catalogue,
  request: PlacementRequest,
  context: CallContext,
): Promise<readonly Shelf[]> {
  const { minCudaVersion, allowedCudaVersions } = optionsOf(request);
  const needsCatalogue = request.gpus.includes(ANY_GPU);
  return Promise.all(
    cloudsFor(request).map(async (cloud) => {
      const reading = catalogue.gpus(
        { cloud, count: request.gpuCount, minCudaVersion, allowedCudaVersions },
        context,
      );
      return { cloud, types: await (needsCatalogue ? reading : unlessUnreadable(reading)) };
    }),
  );
}

/** Offers of every type that has a price and stock, the cheapest first. */
function anyGpuOffers(
  region: string | undefined,
  shelves: readonly Shelf[],
  request: PlacementRequest,
): readonly Offer[] {
  const offers = shelves.flatMap((shelf) =>
    (shelf.types ?? [])
      .filter(({ id }) => id !== "unknown")
      .map(({ id }) => ({ id, name: canonicalGpu("runpod", id) ?? id }))
      .flatMap((gpu) => gpuOffer(gpu, region, shelf, request)),
  );
  return offers
    .filter(({ stock, candidate }) => stock !== "none" && candidate.costPerHour !== undefined)
    .sort(byPrice);
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
  { cloud, types }: Shelf,
  { gpuCount }: PlacementRequest,
): Offer[] {
  const type = types?.find(({ id }) => id === gpu.id);
  const price = type === undefined ? undefined : priceIn(type, cloud, gpuCount);
  const isUnlisted = types !== undefined && type === undefined;
  if ((isUnlisted && gpu.name !== gpu.id) || price === 0) return [];
  const costPerHour = price === undefined ? undefined : withoutNoise(price * gpuCount);
  const placement = { cloud, gpuId: gpu.id };
  const candidate = { ...defined({ gpu: gpu.name, region, costPerHour }), placement };
  return [{ candidate, stock: stockIn(type, region) }];
}

/** Rounds a sum of prices to a millionth of a dollar, which removes the noise of binary fractions. */
function withoutNoise(dollars: number): number {
  return Math.round(dollars * 1e6) / 1e6;
}

function byStockAndPrice(one: Offer, other: Offer): number {
  return byStock(one.stock, other.stock) || byPrice(one, other);
}

function byPrice(one: Offer, other: Offer): number {
  const unknown = Number.MAX_VALUE;
  const { costPerHour: price = unknown } = one.candidate;
  const { costPerHour: otherPrice = unknown } = other.candidate;
  return price - otherPrice;
}

const MIN_VCPUS = 2;
const MAX_VCPUS = 512;

/** RunPod's flavors of November 2026, for the case that the catalogue cannot be read. */
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
  const { cpus = MIN_VCPUS } = request;
  const flavors = (await unlessUnreadable(catalogue.cpus(powerOfTwo(cpus), context))) ?? KNOWN_FLAVORS;
  return regionsOf(request).flatMap((region) =>
    flavors.flatMap((flavor) => cpuOffer(flavor, region, request)).sort(byStockAndPrice),
  );
}

function cpuOffer(flavor: WireCpuType, region: string | undefined, request: PlacementRequest): Offer[] {
  const { cpus = MIN_VCPUS, memoryGb = 0 } = request;
  const forMemory = memoryGb === 0 ? 0 : memoryGb / (flavor.ramGbPerVcpu ?? 1);
  const vcpuCount = powerOfTwo(Math.max(cpus, forMemory, flavor.vcpu?.min ?? MIN_VCPUS));
  const price = flavor.price?.securePerVcpu;
  if (vcpuCount > (flavor.vcpu?.max ?? MAX_VCPUS) || price === 0) return [];
  const costPerHour = typeof price === "number" ? withoutNoise(price * vcpuCount) : undefined;
  const placement = { cloud: "SECURE", cpuId: flavor.id, vcpuCount } as const;
  const candidate = { ...defined({ region, costPerHour }), placement };
  return [{ candidate, stock: stockIn(flavor, region) }];
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(atLeast, MIN_VCPUS)));
}

/** Failures to read the catalogue that do not prevent the create of a pod. */
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

/**
 * Checks the request against the rules that hold at every placement.
 * @throws VALIDATION naming every field that breaks a rule.
 */
function checkRequest(request: PlacementRequest): void {
  const problems = RULES.flatMap(([field, breaks, received, allowed]) =>
    breaks(request, optionsOf(request)) ? [{ field, received, allowed }] : [],
  );
  if (problems.length > 0) throw requestError(problems);
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

/** Parses the placement of a candidate. @throws VALIDATION for the candidate of another provider. */
export function parsePlacement(placement: unknown): RunpodPlacement {
  const parsed = placementSchema.safeParse(placement);
  if (parsed.success) return parsed.data;
  const message =
    "runpod: the candidate does not come from this provider; pass one that candidates() returned";
  throw new AtlasError("VALIDATION", message, { provider: "runpod", mayHaveCreated: false });
}

/** The error for a request that RunPod would refuse. */
export function requestError(problems: readonly FieldProblem[]): AtlasError {
  const { code, message, details } = invalid("The request", problems);
  return new AtlasError(code, message, { provider: "runpod", mayHaveCreated: false, details });
}
