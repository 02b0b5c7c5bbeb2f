/**
 * GPU names: a canonical name for each variant, each provider's own id for it, and the variants of each bare name.
 * Sources: the providers' GPU lists of 2026 (RunPod's GPU types reference, Lambda's instance types, Vast.ai's offers).
 */
import { AtlasError } from "./errors.ts";
import { nearest } from "./internal/nearest.ts";

/** A GPU variant: its memory, and its id at each provider that has it. */
interface GpuVariant {
  readonly memoryGb: number;
  readonly ids: Readonly<Record<string, string>>;
}

const VARIANTS = {
  b300: { memoryGb: 288, ids: { runpod: "NVIDIA B300 SXM6 AC" } },
  b200: { memoryGb: 180, ids: { runpod: "NVIDIA B200", lambda: "gpu_1x_b200_sxm6", vast: "B200" } },
  "h200-sxm": { memoryGb: 141, ids: { runpod: "NVIDIA H200", vast: "H200" } },
  "h200-nvl": { memoryGb: 143, ids: { runpod: "NVIDIA H200 NVL", vast: "H200 NVL" } },
  "h100-sxm": {
    memoryGb: 80,
    ids: { runpod: "NVIDIA H100 80GB HBM3", lambda: "gpu_1x_h100_sxm5", vast: "H100 SXM" },
  },
  "h100-nvl": { memoryGb: 94, ids: { runpod: "NVIDIA H100 NVL", vast: "H100 NVL" } },
  "h100-pcie": {
    memoryGb: 80,
    ids: { runpod: "NVIDIA H100 PCIe", lambda: "gpu_1x_h100_pcie", vast: "H100 PCIE" },
  },
  "a100-80gb-sxm": { memoryGb: 80, ids: { runpod: "NVIDIA A100-SXM4-80GB", vast: "A100 SXM4" } },
  "a100-80gb-pcie": { memoryGb: 80, ids: { runpod: "NVIDIA A100 80GB PCIe", vast: "A100 PCIE" } },
  "a100-40gb-sxm": { memoryGb: 40, ids: { runpod: "NVIDIA A100-SXM4-40GB", lambda: "gpu_1x_a100_sxm4" } },
  "a100-40gb-pcie": { memoryGb: 40, ids: { lambda: "gpu_1x_a100" } },
  l40s: { memoryGb: 48, ids: { runpod: "NVIDIA L40S", vast: "L40S" } },
  l40: { memoryGb: 48, ids: { runpod: "NVIDIA L40", vast: "L40" } },
  l4: { memoryGb: 24, ids: { runpod: "NVIDIA L4", vast: "L4" } },
  a40: { memoryGb: 48, ids: { runpod: "NVIDIA A40", vast: "A40" } },
  a30: { memoryGb: 24, ids: { runpod: "NVIDIA A30", vast: "A30" } },
  a10: { memoryGb: 24, ids: { lambda: "gpu_1x_a10", vast: "A10" } },
  a6000: { memoryGb: 48, ids: { runpod: "NVIDIA RTX A6000", lambda: "gpu_1x_a6000", vast: "RTX A6000" } },
  a5000: { memoryGb: 24, ids: { runpod: "NVIDIA RTX A5000", vast: "RTX A5000" } },
  a4000: { memoryGb: 16, ids: { runpod: "NVIDIA RTX A4000", vast: "RTX A4000" } },
  "rtx-6000-ada": { memoryGb: 48, ids: { runpod: "NVIDIA RTX 6000 Ada Generation", vast: "RTX 6000Ada" } },
  "rtx-pro-6000": {
    memoryGb: 96,
    ids: { runpod: "NVIDIA RTX PRO 6000 Blackwell Server Edition", vast: "RTX PRO 6000 S" },
  },
  "rtx-5090": { memoryGb: 32, ids: { runpod: "NVIDIA GeForce RTX 5090", vast: "RTX 5090" } },
  "rtx-4090": { memoryGb: 24, ids: { runpod: "NVIDIA GeForce RTX 4090", vast: "RTX 4090" } },
  "rtx-3090": { memoryGb: 24, ids: { runpod: "NVIDIA GeForce RTX 3090", vast: "RTX 3090" } },
  mi300x: { memoryGb: 192, ids: { runpod: "AMD Instinct MI300X OAM" } },
  "v100-sxm": { memoryGb: 32, ids: { runpod: "Tesla V100-SXM2-32GB" } },
  "v100-pcie": { memoryGb: 16, ids: { runpod: "Tesla V100-PCIE-16GB" } },
  gh200: { memoryGb: 96, ids: { lambda: "gpu_1x_gh200" } },
} as const satisfies Readonly<Record<string, GpuVariant>>;

/** Bare names that stand for several variants, best first. */
const FAMILIES = {
  h200: ["h200-sxm", "h200-nvl"],
  h100: ["h100-sxm", "h100-nvl", "h100-pcie"],
  "a100-80gb": ["a100-80gb-sxm", "a100-80gb-pcie"],
  "a100-40gb": ["a100-40gb-sxm", "a100-40gb-pcie"],
  v100: ["v100-sxm", "v100-pcie"],
} as const satisfies Readonly<Record<string, readonly (keyof typeof VARIANTS)[]>>;

/** The name for whatever GPU a provider offers, the cheapest first. */
export const ANY_GPU = "any";

/** A canonical GPU name, a bare name that stands for several variants, or `any` for whatever GPU a provider offers, the cheapest first. */
export type KnownGpu = typeof ANY_GPU | keyof typeof FAMILIES | keyof typeof VARIANTS;

/** A GPU in a request: a {@link KnownGpu}, which editors complete, or any provider's own id. */
export type GpuInput = KnownGpu | (string & {});

/** Every canonical GPU name that a request may use, with the bare names of several variants, and `any`. */
export const gpuNames: readonly string[] = [...Object.keys(FAMILIES), ...Object.keys(VARIANTS), ANY_GPU];

/** A GPU with its name at one provider. */
export interface ResolvedGpu {
  /** Canonical name of the variant, or the id itself where there is none. */
  readonly name: string;
  /** The provider's own id. */
  readonly id: string;
}

/** Lists the canonical variants of a name, best first; a name that is not canonical stands for itself. */
export function expandGpu(name: string): readonly string[] {
  return own<readonly string[]>(FAMILIES, name) ?? [name];
}

/**
 * Translates GPU preferences to one provider's own ids, in order and without duplicates. Canonical names are looked up; any other text
 * passes as the provider's own id. `any` passes as it is: the adapter
 * knows its prices.
 * @throws UNSUPPORTED when the provider has none of them; the message names the providers that have one.
 *
 * @example
 * ```ts
 * import { resolveGpus } from "atlas-compute";
 *
 * resolveGpus("runpod", ["h100", "NVIDIA L40S"]).map((gpu) => gpu.name); // ["h100-sxm", "h100-nvl", "h100-pcie", "l40s"]
 * ```
 */
export function resolveGpus(provider: string, preferences: readonly string[]): readonly ResolvedGpu[] {
  const resolved = preferences.flatMap(expandGpu).flatMap((name) => resolve(provider, name));
  const unique = [...new Map(resolved.map((gpu) => [gpu.id, gpu])).values()];
  if (preferences.length > 0 && unique.length === 0) throw unsupportedGpus(provider, preferences);
  return unique;
}

/** Finds the canonical name of a provider's id. */
export function canonicalGpu(provider: string, id: string): string | undefined {
  return variants.find(([, { ids }]) => ids[provider] === id)?.[0];
}

/** Returns the memory of a canonical variant in GB; `undefined` for any other name. */
export function gpuMemoryGb(name: string): number | undefined {
  return variantOf(name)?.memoryGb;
}

/** Maps the canonical variants of a provider to its own ids. */
export function gpuIds(provider: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    variants.flatMap(([name, { ids }]) => (ids[provider] === undefined ? [] : [[name, ids[provider]]])),
  );
}

/**
 * Asks "did you mean …?" for the GPU names that are neither canonical nor a provider's known id, but come near a canonical name; `undefined`
 * when there is none. A provider may have ids that this table does not know, so this belongs behind a refusal and refuses nothing itself.
 */
export function gpuHint(names: readonly string[]): string | undefined {
  const meant = names.filter((name) => !isKnown(name)).map((name) => nearest(name, gpuNames));
  const found = [...new Set(meant)].filter((name) => name !== undefined);
  return found.length === 0 ? undefined : `did you mean ${found.join(", ")}?`;
}

const variants: readonly (readonly [string, GpuVariant])[] = Object.entries(VARIANTS);

function isKnown(name: string): boolean {
  const isId = variants.some(([, { ids }]) => Object.values(ids).includes(name));
  return isId || name === ANY_GPU || Object.hasOwn(FAMILIES, name) || Object.hasOwn(VARIANTS, name);
}

function variantOf(name: string): GpuVariant | undefined {
  return own<GpuVariant>(VARIANTS, name);
}

/** Reads a table's own entry, and not a property that every object has, such as `constructor`. */
function own<Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function resolve(provider: string, name: string): ResolvedGpu[] {
  const variant = variantOf(name);
  if (variant === undefined) return [{ name: canonicalGpu(provider, name) ?? name, id: name }];
  const id = variant.ids[provider];
  return id === undefined ? [] : [{ name, id }];
}

function unsupportedGpus(provider: string, preferences: readonly string[]): AtlasError {
  const names = preferences.flatMap(expandGpu);
  const providers = names.flatMap((name) => Object.keys(variantOf(name)?.ids ?? {}));
  const others = providers.length > 0 ? `; known to have it: ${[...new Set(providers)].join(", ")}` : "";
  return new AtlasError("UNSUPPORTED", `${provider} has no ${preferences.join(" or ")}${others}`, {
    provider,
  });
}
