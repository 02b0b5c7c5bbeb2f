/**
 * RunPod: GPU and CPU pods on REST v2, and serverless jobs.
 *
 * @module
 */
import { AtlasError, isAtlasError } from "../../errors.ts";
import { createHttpClient, type HttpClient, unlessNotFound } from "../../internal/http.ts";
import type { JobRunner } from "../../job-runner.ts";
import type {
  CallContext,
  CreateRequest,
  Instance,
  InstanceReference,
  InstanceStatus,
  LogLine,
  LogOptions,
  Provider,
} from "../../provider.ts";
import { findCandidates } from "./candidates.ts";
import { createCatalogue } from "./catalogue.ts";
import { isListed, toInstance } from "./convert.ts";
import { listGpuTypes } from "./gpu-types.ts";
import { classifyJobRefusal, createJobRunner } from "./jobs.ts";
import { readLogs } from "./logs.ts";
import {
  parseComputeOptions,
  parseRunpodOptions,
  type RunpodOptions,
  type RunpodSettings,
} from "./options.ts";
import { listPods } from "./pages.ts";
import { toCreateBody } from "./placement.ts";
import { classifyRefusal } from "./refusals.ts";
import { type Pod, podSchema } from "./wire.ts";

export type { RunpodComputeOptions, RunpodOptions } from "./options.ts";

/** RunPod, with what the contract does not ask for. */
export interface RunpodProvider extends Provider {
  readonly jobs: JobRunner;
  /**
   * Restarts the pod in place: its container disk is wiped, its volume stays.
   * @throws NOT_FOUND when there is no such pod, CONFLICT when it does not run.
   */
  restart(reference: InstanceReference, context: CallContext): Promise<void>;
}

/**
 * RunPod as a provider. Nothing is read or sent before the first call, so that an app builds without a key.
 *
 * @throws VALIDATION for an option that does not exist or is not valid. A missing key is thrown by the first call.
 *
 * @example
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { runpod } from "atlas-compute/runpod";
 *
 * const atlas = createAtlas({ providers: [runpod()] });
 * const compute = await atlas.spawnCompute({
 *   gpu: ["rtx-4090", "l40s"],
 *   image: "ghcr.io/me/server:1",
 *   ports: [8000],
 *   providerOptions: { runpod: { cloud: "ANY" } },
 * });
 * ```
 */
export function runpod(options: RunpodOptions = {}): RunpodProvider {
  const settings = parseRunpodOptions(options);
  const http = createHttpClient({ ...clientOptions(settings, settings.baseUrl), classify: classifyRefusal });
  const catalogue = createCatalogue(http, settings.clock);
  return {
    name: "runpod",
    bootTimeoutSeconds: 600,
    absenceGraceSeconds: 60,
    notReadyStatuses: [404],
    parseOptions: parseComputeOptions,
    candidates: async (request, context) => {
      settings.apiKey();
      return findCandidates(catalogue, request, context);
    },
    create: (request, context) => create(http, request, context),
    get: (reference, context) => get(http, reference, context),
    list: async ({ namePrefix }, context) => {
      const pods = await listPods(http, context);
      return pods
        .filter((pod) => isListed(pod) && pod.name.startsWith(namePrefix))
        .map((pod) => toInstance(pod));
    },
    terminate: (reference, context) => terminate(http, reference, context),
    stop: (reference, context) => act(http, reference, "stop", context),
    start: (reference, context) => act(http, reference, "start", context),
    restart: (reference, context) => act(http, reference, "restart", context),
    logs: (reference, logOptions, context) => logs(http, settings, reference, logOptions, context),
    listGpuTypes: (context) => listGpuTypes(catalogue, context),
    jobs: createJobRunner(
      createHttpClient({
        ...clientOptions(settings, settings.jobsBaseUrl),
        classify: classifyJobRefusal,
        maximumBytes: 25_000_000,
      }),
      settings.clock,
    ),
  };
}

function clientOptions({ apiKey, fetch, clock }: RunpodSettings, baseUrl: string) {
  return {
    provider: "runpod",
    baseUrl,
    headers: () => ({ authorization: `Bearer ${apiKey()}` }),
    fetch,
    clock,
  };
}

async function create(http: HttpClient, request: CreateRequest, context: CallContext): Promise<Instance> {
  const json = toCreateBody(request);
  const secrets = Object.values(request.env);
  const pod = await http.read(
    { method: "POST", path: "/pods", json, idempotent: false, secrets },
    podSchema,
    context,
  );
  return toInstance(pod, request.ports);
}

async function get(
  http: HttpClient,
  reference: InstanceReference,
  context: CallContext,
): Promise<Instance | undefined> {
  const pod = await findPod(http, reference, context);
  return pod === undefined ? undefined : toInstance(pod);
}

async function findPod(
  http: HttpClient,
  { name, providerId }: InstanceReference,
  context: CallContext,
): Promise<Pod | undefined> {
  if (providerId === undefined) return (await podsNamed(http, name, context))[0];
  const request = { method: "GET", path: podPath(providerId), idempotent: true } as const;
  return unlessNotFound(http.read(request, podSchema, context));
}

async function podsNamed(http: HttpClient, name: string, context: CallContext): Promise<readonly Pod[]> {
  const pods = await listPods(http, context);
  return pods.filter((pod) => isListed(pod) && pod.name === name);
}

function podPath(id: string): string {
  return `/pods/${encodeURIComponent(id)}`;
}

async function terminate(
  http: HttpClient,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  const { name, providerId } = reference;
  const ids =
    providerId === undefined ? (await podsNamed(http, name, context)).map(({ id }) => id) : [providerId];
  for (const id of ids)
    await unlessNotFound(http.send({ method: "DELETE", path: podPath(id), idempotent: true }, context));
}

/** What can be asked of a pod, and the states in which a refusal means that it is so already. */
const ACTIONS = {
  stop: { idempotent: true, done: ["stopped"] },
  start: { idempotent: true, done: ["running", "provisioning"] },
  restart: { idempotent: false, done: [] },
} as const satisfies Readonly<
  Record<string, { readonly idempotent: boolean; readonly done: readonly InstanceStatus[] }>
>;

async function act(
  http: HttpClient,
  reference: InstanceReference,
  action: keyof typeof ACTIONS,
  context: CallContext,
): Promise<void> {
  const { idempotent } = ACTIONS[action];
  const done: readonly InstanceStatus[] = ACTIONS[action].done;
  const id = reference.providerId ?? (await findPod(http, reference, context))?.id;
  if (id === undefined) throw absent(reference);
  const request = { method: "POST", path: `${podPath(id)}/action`, json: { action }, idempotent } as const;
  try {
    await http.send(request, context);
  } catch (error) {
    if (!isAtlasError(error) || error.code !== "CONFLICT") throw error;
    const instance = await get(http, { ...reference, providerId: id }, context);
    if (instance === undefined || !done.includes(instance.status)) throw error;
  }
}

function absent({ name }: InstanceReference): AtlasError {
  return new AtlasError("NOT_FOUND", `runpod: there is no pod named ${name}`, { provider: "runpod" });
}

async function* logs(
  http: HttpClient,
  { clock }: RunpodSettings,
  reference: InstanceReference,
  options: LogOptions,
  context: CallContext,
): AsyncGenerator<LogLine, void, undefined> {
  const pod = await findPod(http, reference, context);
  if (pod === undefined) return;
  const byId = { ...reference, providerId: pod.id };
  const exists = async (within: CallContext): Promise<boolean> => {
    const status = (await get(http, byId, within))?.status ?? "terminated";
    return status !== "terminated";
  };
  yield* readLogs({ http, clock, podId: pod.id, exists }, options, context);
}
