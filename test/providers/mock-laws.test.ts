import { describe, it } from "vitest";
import type { PlacementRequest } from "../../src/provider.ts";
import type { MockOptions } from "../../src/providers/mock/index.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import {
  type LawFault,
  type ProviderTraits,
  type ProviderUnderTest,
  providerLaws,
} from "../laws/provider-laws.ts";

const cpu: PlacementRequest = {
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
const reads: readonly LawFault[] = ["bad-key", "rate-limit", ...silences];

const traits: ProviderTraits = {
  methods: ["find", "stop", "start", "logs", "listGpuTypes", "parseOptions"],
  faults: {
    create: [...refusals, ...silences, ...halves],
    list: [...reads, "malformed", "partial"],
    get: reads,
    find: reads,
    terminate: reads,
  },
  placements: {
    "a CPU machine": cpu,
    "a GPU machine": { ...cpu, gpus: ["h100"], gpuCount: 2 },
    "a machine in a region": { ...cpu, gpus: ["l4"], regions: ["mock-2"] },
  },
};

async function make(options: MockOptions): Promise<ProviderUnderTest> {
  const clock = manualClock();
  const provider = mock({ ...options, clock });
  return {
    provider,
    placement: cpu,
    instances: async () =>
      provider.instances.map((instance) => ({ ...instance, alive: instance.status !== "terminated" })),
    settle: (promise) => clock.settle(promise),
    advance: (seconds) => clock.advance(seconds),
    fault: (operation, fault, times) => provider.script(operation, { fault, times }),
    log: (providerId, line) => provider.log(providerId, line),
    ...(options.pageSize === undefined ? {} : { pageSize: options.pageSize }),
    close: () => provider.close(),
  };
}

providerLaws({ describe, it }, "mock()", traits, () => make({}));

providerLaws({ describe, it }, "mock() that is slow and lags", traits, () =>
  make({ latencySeconds: 0.3, bootSeconds: 40, terminateSeconds: 5, listLagSeconds: 12, pageSize: 4 }),
);

providerLaws({ describe, it }, "mock() with unique names", { ...traits, duplicateNames: false }, () =>
  make({ uniqueNames: true }),
);
