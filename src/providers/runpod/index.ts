/**
 * RunPod: GPU and CPU pods on REST v2, and serverless jobs.
 *
 * @module
 */
import type { JobRunner } from "../../job-runner.ts";
import type { RunpodMethods } from "./methods.ts";
import { parseComputeOptions, parseRunpodOptions, type RunpodOptions } from "./options.ts";
import type { RunpodProvider } from "./types.ts";

export type { RunpodComputeOptions, RunpodOptions } from "./options.ts";
export type { RunpodBalance, RunpodExtras, RunpodProvider } from "./types.ts";

/**
 * Makes a provider of RunPod pods. It reads no key and sends no request before the first call, so that an app builds without a key.
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
  let opened: Promise<RunpodMethods> | undefined;
  const open = (): Promise<RunpodMethods> => {
    opened ??= import("./methods.ts").then(({ createMethods }) => createMethods(settings));
    return opened;
  };
  return {
    name: "runpod",
    bootTimeoutSeconds: 600,
    absenceGraceSeconds: 60,
    lookSeconds: 3,
    budget: { perMinute: 60, burst: 60 },
    edge: { statuses: [404] },
    parseOptions: parseComputeOptions,
    candidates: async (request, context) => (await open()).candidates(request, context),
    create: async (request, context) => (await open()).create(request, context),
    get: async (reference, context) => (await open()).get(reference, context),
    list: async (scope, context) => (await open()).list(scope, context),
    terminate: async (reference, context) => (await open()).terminate(reference, context),
    stop: async (reference, context) => (await open()).stop(reference, context),
    start: async (reference, context) => (await open()).start(reference, context),
    restart: async (reference, context) => (await open()).restart(reference, context),
    logs: async function* (reference, logOptions, context) {
      yield* (await open()).logs(reference, logOptions, context);
    },
    listGpuTypes: async (context) => (await open()).listGpuTypes(context),
    balance: async (context) => (await open()).balance(context),
    jobs: lazyJobs(async () => (await open()).jobs),
  };
}

function lazyJobs(open: () => Promise<JobRunner>): JobRunner {
  return {
    runJob: async (request, context) => (await open()).runJob(request, context),
    getJob: async (reference, context) => (await open()).getJob(reference, context),
    cancelJob: async (reference, context) => (await open()).cancelJob(reference, context),
    streamJob: async function* (reference, context) {
      yield* (await open()).streamJob(reference, context);
    },
    jobHealth: async (endpoint, context) => (await open()).jobHealth(endpoint, context),
  };
}
