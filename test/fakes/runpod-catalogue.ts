/** The catalogue of the fake of RunPod. Prices are those of the live catalogue of October 2026 where known, and invented elsewhere. */
import type { Json } from "./specs.ts";

/** A GPU type: price and stock by cloud. A cloud without a price does not offer it. */
export interface FakeGpuType {
  readonly id: string;
  readonly memory: number;
  readonly secure?: FakeShelf;
  readonly community?: FakeShelf;
}

/** The offer of one cloud for a GPU type. */
export interface FakeShelf {
  readonly price: number;
  readonly maxCount: number;
  readonly stock: "NONE" | "LOW" | "MEDIUM" | "HIGH";
  readonly dataCenters: readonly string[];
}

const WIDE = ["US-KS-2", "US-TX-3", "EU-RO-1"];

/** The GPU types. */
export const GPU_TYPES: readonly FakeGpuType[] = [
  {
    id: "NVIDIA GeForce RTX 4090",
    memory: 24,
    secure: { price: 0.74, maxCount: 8, stock: "LOW", dataCenters: WIDE },
    community: { price: 0.34, maxCount: 4, stock: "HIGH", dataCenters: ["US-TX-3"] },
  },
  {
    id: "NVIDIA H100 80GB HBM3",
    memory: 80,
    secure: { price: 2.99, maxCount: 8, stock: "MEDIUM", dataCenters: WIDE },
  },
  {
    id: "NVIDIA H100 PCIe",
    memory: 80,
    secure: { price: 2.39, maxCount: 8, stock: "HIGH", dataCenters: ["US-KS-2"] },
    community: { price: 1.99, maxCount: 2, stock: "HIGH", dataCenters: ["US-TX-3"] },
  },
  { id: "NVIDIA L40S", memory: 48, secure: { price: 0.86, maxCount: 4, stock: "NONE", dataCenters: [] } },
  { id: "NVIDIA A100-SXM4-40GB", memory: 40 },
  { id: "unknown", memory: 0, secure: { price: 1, maxCount: 1, stock: "LOW", dataCenters: [] } },
];

const ABSENT: FakeShelf = { price: 0, maxCount: 0, stock: "NONE", dataCenters: [] };

/** The answer to `GET /v2/catalog/gpus`. */
export function gpuCatalogue(types: readonly FakeGpuType[], query: URLSearchParams): Json {
  const gpus = types.map(({ id, memory, secure, community }) => {
    const asked = (query.get("cloud") === "COMMUNITY" ? community : secure) ?? ABSENT;
    const stock = Number(query.get("count") ?? 1) > asked.maxCount ? "NONE" : asked.stock;
    return {
      id,
      name: id.replace("NVIDIA ", ""),
      pool: null,
      manufacturer: "NVIDIA",
      memory,
      secure: secure !== undefined,
      community: community !== undefined,
      price: { secure: secure?.price ?? 0, community: community?.price ?? 0 },
      maxCount: { secure: secure?.maxCount ?? 0, community: community?.maxCount ?? 0 },
      availability: stock,
      dataCenters: asked.dataCenters.map((dataCenter) => ({
        id: dataCenter,
        name: dataCenter,
        availability: stock,
      })),
      cudaVersions: [{ version: "12.8", available: true }],
    };
  });
  return { gpus };
}

/** The CPU flavors. */
export const CPU_TYPES = [
  { id: "cpu3c", ramGbPerVcpu: 2, price: 0.03, availability: "HIGH" },
  { id: "cpu3m", ramGbPerVcpu: 8, price: 0.05, availability: "HIGH" },
  { id: "cpu5c", ramGbPerVcpu: 2, price: 0.035, availability: "LOW" },
] as const;

/** The answer to `GET /v2/catalog/cpus`. */
export function cpuCatalogue(): Json {
  const cpus = CPU_TYPES.map(({ price, ...type }) => ({
    ...type,
    name: type.id,
    group: "CPU",
    vcpu: { min: 2, max: 32 },
    price: { securePerVcpu: price, serverlessPerVcpu: price },
    dataCenters: WIDE.map((id) => ({ id, name: id, availability: type.availability })),
  }));
  return { cpus };
}
