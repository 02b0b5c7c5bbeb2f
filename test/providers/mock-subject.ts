/** The mock as the law suite sees it. */

import type { LawFault, ProviderTraits, ProviderUnderTest } from "../../src/laws/provider-laws.ts";
import type { PlacementRequest, Provider } from "../../src/provider.ts";
import { type MockOptions, type MockProvider, manualClock, mock } from "../../src/providers/mock/index.ts";

/** A CPU machine with one port of each kind. */
export const cpuPlacement: PlacementRequest = {
  gpus: [],
  gpuCount: 1,
  regions: [],
  ports: [
    { internal: 8000, protocol: "http", name: "api" },
    { internal: 22, protocol: "tcp" },
  ],
  metadata: { plan: "pro" },
  options: undefined,
};

const refusals: readonly LawFault[] = [
  "capacity",
  "quota",
  "refused-pool",
  "balance",
  "bad-key",
  "invalid",
  "rate-limit",
];
const silences: readonly LawFault[] = ["timeout-before", "connection-before", "error-before"];
const halves: readonly LawFault[] = [
  "timeout-after",
  "connection-after",
  "error-after",
  "unreadable-after",
  "hang",
];
const reads: readonly LawFault[] = ["bad-key", "refused-pool", "rate-limit", ...silences, "hang"];

/** The traits of the mock, and the faults that it can provoke. */
export const mockTraits: ProviderTraits = {
  methods: ["find", "stop", "start", "logs", "listGpuTypes", "parseOptions", "account"],
  faults: {
    create: [...refusals, ...silences, ...halves],
    list: [...reads, "malformed", "partial"],
    get: [...reads, "malformed"],
    find: [...reads, "malformed"],
    terminate: reads,
  },
  placements: {
    "a CPU machine": cpuPlacement,
    "a GPU machine": { ...cpuPlacement, gpus: ["h100"], gpuCount: 2 },
    "a machine in a region": { ...cpuPlacement, gpus: ["l4"], regions: ["mock-2"] },
  },
};

/** A mock on a manual clock, as it is or changed. */
export async function mockSubject(
  options: MockOptions,
  change: (provider: MockProvider) => Provider = (provider) => provider,
): Promise<ProviderUnderTest> {
  const clock = manualClock();
  const provider = mock({ ...options, clock });
  return {
    provider: change(provider),
    placement: cpuPlacement,
    instances: async () =>
      provider.instances.map((instance) => ({ ...instance, alive: instance.status !== "terminated" })),
    settle: (promise) => clock.settle(promise, 3600),
    advance: (seconds) => clock.advance(seconds),
    fault: (operation, fault, times) => provider.script(operation, { fault, times }),
    log: (providerId, line) => provider.log(providerId, line),
    ...(options.pageSize === undefined ? {} : { pageSize: options.pageSize }),
    close: () => provider.close(),
  };
}
