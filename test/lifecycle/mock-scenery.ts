/** Two mocks that differ in how they behave, for a world. */
import fc from "fast-check";
import {
  type ManualClock,
  type MockFault,
  type MockOperation,
  type MockProvider,
  mock,
} from "../../src/providers/mock/index.ts";
import { providerMethods } from "../support/intercept.ts";
import type { Cloud } from "../support/world/cloud.ts";
import type { Scenery } from "../support/world/happenings.ts";
import { mortal } from "../support/world/mortal.ts";

interface Provocation {
  readonly operation: MockOperation;
  readonly fault: MockFault;
}

const FAULTS = {
  create: [
    ...["capacity", "quota", "refused-pool", "rate-limit", "bad-key", "balance", "invalid", "boot-failure"],
    ...[
      "timeout-before",
      "timeout-after",
      "connection-before",
      "connection-after",
      "error-before",
      "error-after",
    ],
    ...["unreadable-after", "hang", "hang-after", "not-an-error", "not-an-error-after", "delay"],
  ],
  get: ["timeout-before", "error-before", "malformed", "hang", "not-an-error", "rate-limit", "bad-key"],
  list: ["timeout-before", "error-before", "malformed", "partial", "not-an-error", "rate-limit", "hang"],
  find: ["timeout-before", "error-before", "malformed", "hang", "not-an-error", "rate-limit"],
  terminate: [
    "timeout-before",
    "timeout-after",
    "error-before",
    "error-after",
    "ignored",
    "hang",
    "hang-after",
  ],
  stop: ["timeout-after", "error-before", "ignored"],
  start: ["timeout-after", "error-before", "ignored", "capacity"],
} as const;

const faults = fc.constantFrom(...(Object.keys(FAULTS) as (keyof typeof FAULTS)[])).chain((operation) =>
  fc.record({
    at: fc.nat(1),
    fault: fc.record({
      operation: fc.constant(operation),
      fault: fc.record({
        fault: fc.constantFrom(...FAULTS[operation]),
        times: fc.constantFrom(1, 1, 2, 5, Number.POSITIVE_INFINITY),
        seconds: fc.constantFrom(0, 0, 1, 20),
      }),
    }),
  }),
);

/** Two providers: one with lists that lag, which takes a name twice, and a slow one that does not. */
export const mockScenery: Scenery<Provocation> = {
  clouds: (clock) => [lagging(clock), unique(clock)].map(mockCloud),
  requests: [{}, { gpu: ["h100", "l4"] }],
  faults,
  incidents: ["vanish", "fail", "double"],
};

function lagging(clock: ManualClock): MockProvider {
  return mock({
    name: "lagging",
    clock,
    bootSeconds: 20,
    listLagSeconds: 15,
    terminateSeconds: 3,
    pageSize: 2,
  });
}

function unique(clock: ManualClock): MockProvider {
  return mock({ name: "unique", clock, bootSeconds: 5, latencySeconds: 0.5, uniqueNames: true });
}

function mockCloud(provider: MockProvider): Cloud<Provocation> {
  return {
    name: provider.name,
    connect: (process) => mortal(provider, providerMethods, process),
    instances: () =>
      provider.instances.map((instance) => ({ ...instance, alive: instance.status !== "terminated" })),
    provoke: ({ operation, fault }) => {
      provider.script(operation, fault);
      return JSON.stringify(fault).includes("boot-failure") ? ["failed"] : [];
    },
    heal: () => provider.heal(),
    incidents: {
      vanish: { excuses: ["vanished"], happenTo: ({ id }) => provider.vanish(id) },
      fail: { excuses: ["failed"], happenTo: ({ id }) => provider.fail(id, "it broke") },
      double: { excuses: [], happenTo: ({ name }, owner) => void provider.add({ name, owner }) },
    },
    addStranger: (name, owner) => provider.add({ name, owner }).id,
    fetch: provider.fetch,
    secrets: [],
  };
}
