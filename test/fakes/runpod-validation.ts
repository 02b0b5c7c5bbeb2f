/** The validation of a create's body by RunPod's v2: 422 for its form, 400 for its rules. It follows the documentation, not the schema. */
import type { Json } from "./specs.ts";

const KEYS: Readonly<Record<string, (value: unknown) => boolean>> = {
  name: (value) => typeof value === "string" && value.length > 0,
  image: isText,
  cloud: (value) => value === "SECURE" || value === "COMMUNITY",
  gpu: isObject,
  cpu: isObject,
  dataCenterIds: isTexts,
  disk: (value) => Number.isInteger(value) && Number(value) >= 1,
  env: (value) => isObject(value) && Object.values(value).every(isText),
  ports: isTexts,
  args: isText,
  cmd: isTexts,
  entrypoint: isTexts,
  mounts: isObject,
  registry: (value) => value === null || isText(value),
  templateId: isText,
  startSsh: isFlag,
  startJupyter: isFlag,
  globalNetworking: isFlag,
};
const GPU_KEYS = [
  "id",
  "count",
  "allowedCudaVersions",
  "minCudaVersion",
  "minRamPerGpu",
  "minVcpuCountPerGpu",
];
const CPU_KEYS = ["id", "vcpuCount"];
const MOUNT_KEYS = ["persistent", "network"];

/** The violations of the form of the body, one text each. */
export function formErrors(body: unknown): readonly string[] {
  if (!isObject(body)) return ["body: expected object"];
  const errors = Object.entries(body).flatMap(([key, value]) => {
    const check = KEYS[key];
    if (check === undefined) return [`body.${key}: unexpected property`];
    return check(value) ? [] : [`body.${key}: invalid value`];
  });
  return [
    ...errors,
    ...(body.name === undefined ? ["body.name: required"] : []),
    ...(body.image === undefined && body.templateId === undefined ? ["body.image: required"] : []),
    ...unknownKeys("gpu", body.gpu, GPU_KEYS),
    ...unknownKeys("cpu", body.cpu, CPU_KEYS),
    ...unknownKeys("mounts", body.mounts, MOUNT_KEYS),
    ...portErrors(body.ports),
  ];
}

function unknownKeys(at: string, value: unknown, known: readonly string[]): readonly string[] {
  if (!isObject(value)) return [];
  return Object.keys(value).flatMap((key) =>
    known.includes(key) ? [] : [`body.${at}.${key}: unexpected property`],
  );
}

function portErrors(ports: unknown): readonly string[] {
  if (!Array.isArray(ports)) return [];
  return ports.flatMap((port) =>
    /^[1-9][0-9]{0,4}\/(http|tcp)$/.test(String(port)) ? [] : [`body.ports: ${port}`],
  );
}

/** The first rule between fields that the body breaks. */
export function brokenRule(body: Json): string | undefined {
  return RULES.find(([, breaks]) => breaks(body))?.[0];
}

const RULES: readonly (readonly [detail: string, breaks: (body: Json) => boolean])[] = [
  ["exactly one of gpu or cpu is required", ({ gpu, cpu }) => (gpu === undefined) === (cpu === undefined)],
  [
    "mounts.persistent and mounts.network are mutually exclusive",
    ({ mounts }) => has(mounts, "persistent") && has(mounts, "network"),
  ],
  ["mounts.persistent.size must be at least 10", ({ mounts }) => numberAt(mounts, "persistent", "size") < 10],
  ["persistent mounts need a gpu", ({ mounts, gpu }) => has(mounts, "persistent") && gpu === undefined],
  [
    "network volumes exist in SECURE cloud only",
    ({ mounts, cloud }) => has(mounts, "network") && cloud === "COMMUNITY",
  ],
  [
    "allowedCudaVersions and minCudaVersion are mutually exclusive",
    ({ gpu }) => has(gpu, "allowedCudaVersions") && has(gpu, "minCudaVersion"),
  ],
  [
    "vcpuCount must be a power of two",
    ({ cpu }) => isObject(cpu) && !Number.isInteger(Math.log2(Number(cpu.vcpuCount))),
  ],
  ["too many environment variables", ({ env }) => isObject(env) && Object.keys(env).length > 50],
];

function has(value: unknown, key: string): boolean {
  return isObject(value) && value[key] !== undefined;
}

function numberAt(value: unknown, key: string, inner: string): number {
  const at = isObject(value) ? value[key] : undefined;
  return isObject(at) ? Number(at[inner]) : Number.POSITIVE_INFINITY;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isFlag(value: unknown): boolean {
  return typeof value === "boolean";
}
