/** What stands behind `runpod()`: everything that only a first call needs. */
import { createHttpClient, type HttpClientOptions } from "../../internal/http.ts";
import { findCandidates } from "./candidates.ts";
import { createCatalogue } from "./catalogue.ts";
import { listGpuTypes } from "./gpu-types.ts";
import { classifyJobRefusal, createJobRunner } from "./jobs.ts";
import type { RunpodSettings } from "./options.ts";
import { actOnPod, createPod, getPod, listInstances, podLogs, terminatePods } from "./pods.ts";
import { classifyRefusal } from "./refusals.ts";
import type { RunpodExtras, RunpodProvider } from "./types.ts";

/** The calls that go to RunPod. */
export type RunpodApi = RunpodExtras &
  Pick<
    RunpodProvider,
    "candidates" | "create" | "get" | "list" | "terminate" | "stop" | "start" | "logs" | "listGpuTypes"
  >;

/** The longest result of a job is 20 MB. */
const MAX_JOB_BYTES = 25_000_000;

/** Makes the calls of one provider. */
export function openApi(settings: RunpodSettings): RunpodApi {
  const { apiKey, clock } = settings;
  const http = createHttpClient({ ...clientOptions(settings, settings.baseUrl), classify: classifyRefusal });
  const jobsHttp = createHttpClient({
    ...clientOptions(settings, settings.jobsBaseUrl),
    classify: classifyJobRefusal,
    maxBytes: MAX_JOB_BYTES,
  });
  const catalogue = createCatalogue(http, clock);
  return {
    candidates: async (request, context) => {
      apiKey();
      return findCandidates(catalogue, request, context);
    },
    create: (request, context) => createPod(http, request, context),
    get: (reference, context) => getPod(http, reference, context),
    list: ({ namePrefix }, context) => listInstances(http, namePrefix, context),
    terminate: (reference, context) => terminatePods(http, reference, context),
    stop: (reference, context) => actOnPod(http, reference, "stop", context),
    start: (reference, context) => actOnPod(http, reference, "start", context),
    restart: (reference, context) => actOnPod(http, reference, "restart", context),
    logs: (reference, options, context) => podLogs(http, clock, reference, options, context),
    listGpuTypes: (context) => listGpuTypes(catalogue, context),
    jobs: createJobRunner(jobsHttp, clock),
  };
}

function clientOptions({ apiKey, fetch, clock }: RunpodSettings, baseUrl: string): HttpClientOptions {
  const headers = (): Readonly<Record<string, string>> => ({ authorization: `Bearer ${apiKey()}` });
  return { provider: "runpod", baseUrl, headers, fetch, clock };
}
