/** runpod() before its fake, as the law suite sees it. */
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import type {
  FaultyOperation,
  LawFault,
  ProviderTraits,
  ProviderUnderTest,
} from "../../src/laws/provider-laws.ts";
import type { PlacementRequest } from "../../src/provider.ts";
import { type RunpodOptions, runpod } from "../../src/providers/runpod/index.ts";
import { leapingClock } from "../fakes/clock.ts";
import { type FakeRunpod, type FakeRunpodOptions, fakeRunpod } from "../fakes/runpod.ts";
import { ConnectionLost } from "../fakes/runpod-faults.ts";
import { type Handler, serveFake } from "../fakes/serve.ts";

/** A GPU pod with one port of each kind. */
export const gpuPlacement: PlacementRequest = {
  gpus: ["rtx-4090"],
  gpuCount: 1,
  image: "ghcr.io/me/server:1",
  regions: [],
  ports: [
    { internal: 8000, protocol: "http" },
    { internal: 22, protocol: "tcp" },
  ],
  metadata: {},
  options: undefined,
};

const { gpus: _, ...withoutGpu } = gpuPlacement;
/** A CPU pod. */
export const cpuPlacement: PlacementRequest = { ...withoutGpu, gpus: [], cpus: 4, memoryGb: 8 };

const silences: readonly LawFault[] = ["timeout-before", "connection-before", "error-before"];
const reads: readonly LawFault[] = ["bad-key", "refused-pool", "rate-limit", ...silences];
const refusals: readonly LawFault[] = [
  "capacity",
  "refused-pool",
  "balance",
  "bad-key",
  "invalid",
  "rate-limit",
];
const halves: readonly LawFault[] = [
  "timeout-after",
  "connection-after",
  "error-after",
  "unreadable-after",
  "hang",
];

/** The traits of runpod(), and the faults that the fake can provoke. RunPod has no refusal for a quota. */
export const runpodTraits: ProviderTraits = {
  methods: ["stop", "start", "logs", "listGpuTypes", "parseOptions"],
  faults: {
    create: [...refusals, ...silences, ...halves],
    list: [...reads, "malformed", "partial"],
    get: [...reads, "malformed"],
    terminate: reads,
  },
  placements: {
    "a CPU pod": cpuPlacement,
    "two H100 in a data center": { ...gpuPlacement, gpus: ["h100-pcie"], gpuCount: 2, regions: ["US-KS-2"] },
    "a pod in Community Cloud": { ...gpuPlacement, options: { cloud: "COMMUNITY" } },
  },
};

/** The way from the provider to the fake. */
export type Transport = (
  fake: FakeRunpod,
) => Promise<{ readonly options: RunpodOptions; close(): Promise<void> }>;

const server = setupServer();
let isListening = false;

/** Through msw: the adapter's own URLs and the global fetch. One server for all tests of a file, which msw wants to be so. */
export const throughMsw: Transport = async ({ handler }) => {
  if (!isListening) server.listen({ onUnhandledFrame: "error" });
  isListening = true;
  const hosts = ["https://api.runpod.io/*", "https://api.runpod.ai/*"];
  server.use(...hosts.map((host) => http.all(host, ({ request }) => orNetworkError(handler, request))));
  return { options: {}, close: async () => server.resetHandlers() };
};

async function orNetworkError(handler: Handler, request: Request): Promise<Response> {
  try {
    return await handler(request);
  } catch (error) {
    if (error instanceof ConnectionLost) return HttpResponse.error();
    throw error;
  }
}

/** Over real HTTP, to a server of its own. */
export const overHttp: Transport = async ({ handler }) => {
  const served = await serveFake(handler);
  const baseUrl = `${served.url}/v2`;
  return { options: { baseUrl, jobsBaseUrl: baseUrl }, close: () => served.close() };
};

/** A runpod() with a fake of its own. */
export async function runpodSubject(
  transport: Transport,
  facts: Partial<FakeRunpodOptions> = {},
): Promise<ProviderUnderTest> {
  const clock = leapingClock();
  const fake = fakeRunpod({ ...facts, clock });
  const { options, close } = await transport(fake);
  return {
    provider: runpod({ ...options, apiKey: fake.apiKey, clock }),
    placement: gpuPlacement,
    instances: async () =>
      fake.pods.map((pod) => ({
        providerId: pod.id,
        name: pod.body.name,
        alive: fake.statusOf(pod) !== "TERMINATED",
        env: pod.body.env ?? {},
      })),
    settle: (promise) => promise,
    advance: async (seconds) => {
      clock.advance(seconds * 1000);
      await new Promise((resolve) => setImmediate(resolve));
    },
    fault: (operation, fault, times) => provoke(fake, operation, fault, times),
    log: (providerId, line) => fake.log(providerId, line),
    ...(facts.pageSize === undefined ? {} : { pageSize: facts.pageSize }),
    secrets: [fake.apiKey],
    requestTimeoutSeconds: 0.75,
    close: async () => {
      await close();
      const violations = fake.contract?.violations ?? [];
      if (violations.length > 0) throw new Error(`not as specified: ${JSON.stringify(violations, null, 1)}`);
    },
  };
}

function provoke(fake: FakeRunpod, operation: FaultyOperation, fault: LawFault, times: number): void {
  if (operation === "find" || fault === "quota")
    throw new Error(`RunPod has no ${operation} that meets ${fault}`);
  if (fault === "partial") fake.failLaterPages(times);
  else fake.fault(operation, fault, times);
}
