/** The options of `runpod()`, and of one compute on RunPod. */
import * as z from "zod/mini";
import { type Clock, systemClock } from "../../clock.ts";
import { AtlasError } from "../../errors.ts";
import { baseUrlField, clockField, fetchField } from "../../internal/option-fields.ts";
import { type Field, field, invalid, optional, parseFields } from "../../internal/parse.ts";
import type { PlacementRequest } from "../../provider.ts";

/** The options of `runpod()`. */
export interface RunpodOptions {
  /** An API key with read and write access to pods. @default process.env.RUNPOD_API_KEY, read at each call */
  readonly apiKey?: string | undefined;
  /** @default "https://api.runpod.io/v2" */
  readonly baseUrl?: string | undefined;
  /** The base URL of serverless endpoints. @default "https://api.runpod.ai/v2" */
  readonly jobsBaseUrl?: string | undefined;
  /** The base URL of the GraphQL API, which is asked for the balance only. @default "https://api.runpod.io" */
  readonly graphqlBaseUrl?: string | undefined;
  /** @default the global fetch */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** @default the machine's clock */
  readonly clock?: Clock | undefined;
}

/** The options in `providerOptions.runpod`. */
export interface RunpodComputeOptions {
  /** RunPod's own data centers (`SECURE`), machines of third parties (`COMMUNITY`), or both, with the better stocked and cheaper one first. @default "SECURE" */
  readonly cloud?: "SECURE" | "COMMUNITY" | "ANY" | undefined;
  /** Id of a pod template. The request's own fields override the template's. */
  readonly templateId?: string | undefined;
  /** Id of the credential for a private registry. */
  readonly registryId?: string | undefined;
  /** Lowest CUDA version of the host: `"12.4"`. Excludes `allowedCudaVersions`. */
  readonly minCudaVersion?: string | undefined;
  /** CUDA versions that the host may have: `["12.8", "12.9"]`. */
  readonly allowedCudaVersions?: readonly string[] | undefined;
  /** Data centers from which RunPod chooses in one attempt. The request's `regions`, in contrast, are tried in turn. */
  readonly dataCenterIds?: readonly string[] | undefined;
  /** Replaces the image's entrypoint; the request's `command` keeps it. */
  readonly entrypoint?: readonly string[] | undefined;
  /** Puts the account's SSH keys into the pod. @default false */
  readonly startSsh?: boolean | undefined;
  /** Starts JupyterLab, in images that support it. @default false */
  readonly startJupyter?: boolean | undefined;
  /** Gives the pod an address in RunPod's private network. @default false */
  readonly globalNetworking?: boolean | undefined;
}

declare module "../../request.ts" {
  interface ProviderOptions {
    readonly runpod?: RunpodComputeOptions;
  }
}

/** The options of `runpod()` with their defaults. */
export interface RunpodSettings {
  /** @throws VALIDATION when there is no key. */
  readonly apiKey: () => string;
  readonly baseUrl: string;
  readonly jobsBaseUrl: string;
  readonly graphqlBaseUrl: string;
  readonly fetch: typeof globalThis.fetch | undefined;
  readonly clock: Clock;
}

const API_KEY = /^[\x21-\x7e]{1,1000}$/;

const FIELDS = {
  apiKey: optional(
    field(z.string().check(z.regex(API_KEY)), "a RunPod API key, without spaces", { secret: true }),
  ),
  baseUrl: baseUrlField,
  jobsBaseUrl: baseUrlField,
  graphqlBaseUrl: baseUrlField,
  fetch: fetchField,
  clock: clockField,
};

/** Parses the options of `runpod()`. @throws VALIDATION naming every wrong field. */
export function parseRunpodOptions(options: RunpodOptions): RunpodSettings {
  const given = parseFields("The options of runpod()", FIELDS, options);
  return {
    apiKey: () => given.apiKey ?? keyFromEnvironment(),
    baseUrl: given.baseUrl ?? "https://api.runpod.io/v2",
    jobsBaseUrl: given.jobsBaseUrl ?? "https://api.runpod.ai/v2",
    graphqlBaseUrl: given.graphqlBaseUrl ?? "https://api.runpod.io",
    fetch: given.fetch,
    clock: given.clock ?? systemClock,
  };
}

function keyFromEnvironment(): string {
  const key = process.env.RUNPOD_API_KEY?.trim() ?? "";
  if (API_KEY.test(key)) return key;
  const problem =
    key === "" ? "the API key is missing" : "the API key contains characters that are not allowed";
  throw new AtlasError(
    "VALIDATION",
    `runpod: ${problem}. Set RUNPOD_API_KEY, or pass runpod({ apiKey }); create one in RunPod's console under Settings.`,
    { provider: "runpod", mayHaveCreated: false },
  );
}

const text = z.string().check(z.minLength(1), z.maxLength(200), z.regex(/^\S+$/));
const cudaVersion = z.string().check(z.regex(/^[0-9]+\.[0-9]+$/));
const list = (of: z.ZodMiniString, longest: number): z.ZodMiniArray<z.ZodMiniString> =>
  z.array(of).check(z.minLength(1), z.maxLength(longest));
const flag: Field<z.ZodMiniOptional<z.ZodMiniBoolean>> = optional(field(z.boolean(), "true or false"));

const COMPUTE_FIELDS = {
  cloud: optional(field(z.enum(["SECURE", "COMMUNITY", "ANY"]), '"SECURE", "COMMUNITY" or "ANY"')),
  templateId: optional(field(text, "a template's id")),
  registryId: optional(field(text, "a registry credential's id")),
  minCudaVersion: optional(field(cudaVersion, 'a version such as "12.4"')),
  allowedCudaVersions: optional(field(list(cudaVersion, 20), 'versions such as ["12.8", "12.9"]')),
  dataCenterIds: optional(field(list(text, 50), "1 to 50 data center ids")),
  entrypoint: optional(
    field(list(z.string().check(z.maxLength(32_768)), 100), "an array of 1 to 100 strings", { secret: true }),
  ),
  startSsh: flag,
  startJupyter: flag,
  globalNetworking: flag,
};

/** Parses `providerOptions.runpod`. @throws VALIDATION naming every wrong field. */
export function parseComputeOptions(options: unknown): RunpodComputeOptions {
  const parsed = parseFields("providerOptions.runpod", COMPUTE_FIELDS, options ?? {});
  if (parsed.minCudaVersion === undefined || parsed.allowedCudaVersions === undefined) return parsed;
  throw invalid("providerOptions.runpod", [
    { field: "minCudaVersion", received: "allowedCudaVersions as well", allowed: "one of the two" },
  ]);
}

/** The options of a request, which the caller parsed. */
export function optionsOf({ options }: PlacementRequest): RunpodComputeOptions {
  return (options ?? {}) as RunpodComputeOptions;
}
