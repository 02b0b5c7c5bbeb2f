/** The methods behind `runpod()`, with everything that only a first call needs. */
import { createHttpClient, type HttpClientOptions } from "../../internal/http.ts";
import { createRunpodApi } from "./api.ts";
import { readBalance } from "./balance.ts";
import { findCandidates } from "./candidates.ts";
import { createCatalogue } from "./catalogue.ts";
import { createInstance } from "./create.ts";
import { listGpuTypes } from "./gpu-types.ts";
import {
  getInstance,
  listInstances,
  restartInstance,
  startInstance,
  stopInstance,
  terminateInstance,
} from "./instances.ts";
import { classifyJobRefusal, createJobRunner } from "./jobs.ts";
import { readLogs } from "./logs.ts";
import type { RunpodSettings } from "./options.ts";
import { classifyRefusal } from "./refusals.ts";
import type { RunpodExtras, RunpodProvider } from "./types.ts";

/** The methods that send requests to RunPod. */
export type RunpodMethods = RunpodExtras &
  Pick<
    RunpodProvider,
    "candidates" | "create" | "get" | "list" | "terminate" | "stop" | "start" | "logs" | "listGpuTypes"
  >;

/** The longest result of a job is 20 MB. */
const MAX_JOB_BYTES = 25_000_000;

/** Makes the methods of one provider. */
export function createMethods(settings: RunpodSettings): RunpodMethods {
  const { apiKey, clock } = settings;
  const http = createHttpClient({ ...clientOptions(settings, settings.baseUrl), classify: classifyRefusal });
  const jobsHttp = createHttpClient({
    ...clientOptions(settings, settings.jobsBaseUrl),
    classify: classifyJobRefusal,
    maxBytes: MAX_JOB_BYTES,
  });
  const graphql = createHttpClient(clientOptions(settings, settings.graphqlBaseUrl));
  const api = createRunpodApi(http);
  const catalogue = createCatalogue(api, clock);
  return {
    candidates: async (request, context) => {
      apiKey();
      return findCandidates(catalogue, request, context);
    },
    create: (request, context) => createInstance(api, request, context),
    get: (reference, context) => getInstance(api, reference, context),
    list: ({ namePrefix }, context) => listInstances(api, namePrefix, context),
    terminate: (reference, context) => terminateInstance(api, reference, context),
    stop: (reference, context) => stopInstance(api, reference, context),
    start: (reference, context) => startInstance(api, reference, context),
    restart: (reference, context) => restartInstance(api, reference, context),
    logs: (reference, options, context) => readLogs({ api, clock }, reference, options, context),
    listGpuTypes: (context) => listGpuTypes(catalogue, context),
    balance: (context) => readBalance(graphql, context),
    jobs: createJobRunner(jobsHttp, clock),
  };
}

function clientOptions({ apiKey, fetch, clock }: RunpodSettings, baseUrl: string): HttpClientOptions {
  const headers = (): Readonly<Record<string, string>> => ({ authorization: `Bearer ${apiKey()}` });
  return { provider: "runpod", baseUrl, headers, fetch, clock };
}
