/** The sizes of machines, and their prices. */
import { AtlasError } from "../../errors.ts";

/** CPUs and memory of a machine. */
export interface Guest {
  readonly cpuKind: CpuKind;
  readonly cpus: number;
  readonly memoryMb: number;
}

/** CPUs shared with other machines, or dedicated ones. */
export type CpuKind = "shared" | "performance";

/** The requested size. */
export interface GuestRequest {
  readonly cpuKind?: CpuKind | undefined;
  readonly cpus?: number | undefined;
  readonly memoryGb?: number | undefined;
}

interface KindFacts {
  readonly counts: readonly number[];
  /** Memory included with each CPU. */
  readonly memoryMbPerCpu: number;
  readonly maxMemoryMbPerCpu: number;
  readonly stepMb: number;
  /** US dollars per CPU and second in the cheapest region, with the included memory. */
  readonly dollarsPerCpuSecond: number;
}

/** Sizes: fly.io/docs/machines/guides-examples/machine-sizing. Prices: fly.io/docs/about/pricing, in November 2026. */
const KINDS: Readonly<Record<CpuKind, KindFacts>> = {
  shared: {
    counts: [1, 2, 4, 6, 8],
    memoryMbPerCpu: 256,
    maxMemoryMbPerCpu: 2048,
    stepMb: 256,
    dollarsPerCpuSecond: 0.000_000_846_5,
  },
  performance: {
    counts: [1, 2, 4, 6, 8, 10, 12, 14, 16],
    memoryMbPerCpu: 2048,
    maxMemoryMbPerCpu: 8192,
    stepMb: 2048,
    dollarsPerCpuSecond: 0.000_012_732,
  },
};

/** US dollars per second for each GB beyond the included memory, in the cheapest region (the same page). */
const DOLLARS_PER_GB_SECOND = 0.000_002_316;

/** Each region's price divided by that of `iad` (the same page). */
const REGION_FACTORS: Readonly<Record<string, number>> = {
  ams: 1.038461538,
  arn: 1.038461538,
  cdg: 1.134615385,
  dfw: 1.25,
  ewr: 1,
  fra: 1.153846154,
  gru: 1.615384615,
  iad: 1,
  jnb: 1.302884615,
  lax: 1.199519231,
  lhr: 1.134615385,
  nrt: 1.307692308,
  ord: 1.25,
  sin: 1.269230769,
  sjc: 1.192307692,
  syd: 1.269230769,
  yyz: 1.115384615,
};

const DEFAULT_MEMORY_MB = 1024;

/**
 * The smallest size that satisfies the request: shared CPUs where possible, and 1 GB when the request has no memory.
 * @throws VALIDATION when no size fits, naming the sizes that exist.
 */
export function toGuest(request: GuestRequest): Guest {
  const kinds: readonly CpuKind[] = request.cpuKind ? [request.cpuKind] : ["shared", "performance"];
  const sizes = kinds.flatMap((cpuKind) =>
    KINDS[cpuKind].counts
      .filter((cpus) => request.cpus === undefined || request.cpus === cpus)
      .map((cpus): Guest => ({ cpuKind, cpus, memoryMb: memoryMb(cpuKind, cpus, request.memoryGb) })),
  );
  const fitting = sizes.find(exists);
  if (fitting !== undefined) return fitting;
  const { cpus = "any number of", memoryGb } = request;
  const requested = `${cpus} CPUs with ${memoryGb === undefined ? "any" : `${memoryGb} GB of`} memory`;
  throw new AtlasError(
    "VALIDATION",
    `fly has no machine of ${requested}; allowed: ${kinds.map(inWords).join("; ")}`,
    {
      provider: "fly",
    },
  );
}

function memoryMb(cpuKind: CpuKind, cpus: number, memoryGb: number | undefined): number {
  return memoryGb === undefined
    ? Math.max(DEFAULT_MEMORY_MB, cpus * KINDS[cpuKind].memoryMbPerCpu)
    : memoryGb * 1024;
}

function exists({ cpuKind, cpus, memoryMb }: Guest): boolean {
  const { memoryMbPerCpu, maxMemoryMbPerCpu, stepMb } = KINDS[cpuKind];
  const fits = memoryMb >= cpus * memoryMbPerCpu && memoryMb <= cpus * maxMemoryMbPerCpu;
  return fits && memoryMb % stepMb === 0;
}

function inWords(cpuKind: CpuKind): string {
  const { counts, memoryMbPerCpu, maxMemoryMbPerCpu, stepMb } = KINDS[cpuKind];
  const memory = `${memoryMbPerCpu / 1024} to ${maxMemoryMbPerCpu / 1024} GB a CPU in steps of ${stepMb / 1024} GB`;
  return `${cpuKind} CPUs ${counts.join(", ")} with ${memory}`;
}

/**
 * US dollars per hour while the machine runs, by the public price list: without volumes, traffic and discounts. Without a region,
 * the price of the dearest one; `undefined` in a region whose price is not known.
 */
export function guestCostPerHour(guest: Guest, region: string | undefined): number | undefined {
  const factor = region === undefined ? Math.max(...Object.values(REGION_FACTORS)) : REGION_FACTORS[region];
  if (factor === undefined) return undefined;
  const { dollarsPerCpuSecond, memoryMbPerCpu } = KINDS[guest.cpuKind];
  const furtherGb = (guest.memoryMb - guest.cpus * memoryMbPerCpu) / 1024;
  const perSecond = guest.cpus * dollarsPerCpuSecond + furtherGb * DOLLARS_PER_GB_SECOND;
  return Number((perSecond * factor * 3600).toFixed(8));
}
