/** runpod() before its fake, for a world. */
import fc from "fast-check";
import type { Clock } from "../../src/clock.ts";
import { runpod } from "../../src/providers/runpod/index.ts";
import { type FakeRunpod, fakeRunpod } from "../fakes/runpod.ts";
import type { RunpodFault, RunpodOperation } from "../fakes/runpod-faults.ts";
import type { Cloud } from "../support/world/cloud.ts";
import type { Scenery } from "../support/world/happenings.ts";
import { whileAlive } from "../support/world/mortal.ts";

interface Provocation {
  readonly operation: RunpodOperation;
  /** The fault of the requests; `"later-page"` makes the second page of the list fail. */
  readonly fault: RunpodFault | "later-page";
  readonly times: number;
}

const silences = [
  "timeout-before",
  "connection-before",
  "error-before",
  "unavailable-html",
  "rate-limit",
] as const;
const reads = [...silences, "gateway", "gateway-404", "bad-key", "malformed", "rate-limit-long"] as const;
const halves = ["timeout-after", "connection-after", "error-after"] as const;

const FAULTS: Readonly<Partial<Record<RunpodOperation, readonly Provocation["fault"][]>>> = {
  create: [
    ...([
      "capacity",
      "capacity-host",
      "capacity-conflict",
      "conflict",
      "capacity-in-500",
      "balance",
    ] as const),
    ...([
      "bad-key",
      "refused-pool",
      "gateway",
      "gateway-404",
      "absent",
      "invalid",
      "rate-limit-long",
    ] as const),
    ...([...silences, ...halves, "unreadable-after", "half-an-answer"] as const),
  ],
  get: reads,
  list: [...reads, "later-page", "later-page"],
  terminate: [...silences, ...halves, "gateway", "gateway-404", "bad-key"],
  action: [...silences, ...halves, "gateway", "capacity-host", "conflict"],
  gpus: reads,
  cpus: reads,
};

const operations: readonly RunpodOperation[] = [
  ...(["create", "create", "create", "get", "list", "list", "terminate", "terminate", "action"] as const),
  ...(["gpus", "cpus"] as const),
];

const faults = fc.constantFrom(...operations).chain((operation) =>
  fc.record({
    at: fc.constant(0),
    fault: fc.record({
      operation: fc.constant(operation),
      fault: fc.constantFrom(...(FAULTS[operation] ?? [])),
      times: fc.constantFrom(1, 1, 2, 6, 50),
    }),
  }),
);

const image = "ghcr.io/acme/server:1";

/** RunPod with lists that lag, small pages and a limit on requests. */
export const runpodScenery: Scenery<Provocation> = {
  clouds: (clock) => [runpodCloud(clock)],
  requests: [
    { image, gpu: ["rtx-4090", "l40s"], providerOptions: { runpod: { cloud: "ANY" } } },
    { image, gpu: "h100-pcie", regions: ["US-KS-2"], auth: ["bearer", "signed-url"], volumeGb: 10 },
    { image },
  ],
  faults,
  incidents: ["vanish", "fail", "exit", "resume", "double"],
};

function runpodCloud(clock: Clock): Cloud<Provocation> {
  const fake = fakeRunpod({ clock, bootSeconds: 20, listLagSeconds: 15, pageSize: 2, requestsPerMinute: 60 });
  return {
    name: "runpod",
    connect: (process) =>
      runpod({
        apiKey: fake.apiKey,
        clock,
        fetch: (...request) => whileAlive(process, () => fake.fetch(...request)),
      }),
    instances: () =>
      fake.pods.map((pod) => ({
        id: pod.id,
        name: pod.body.name,
        alive: fake.statusOf(pod) !== "TERMINATED",
        env: pod.body.env ?? {},
      })),
    provoke: ({ operation, fault, times }) => {
      if (fault === "later-page") fake.failLaterPages(times);
      else fake.fault(operation, fault, times);
      return [];
    },
    heal: () => fake.heal(),
    incidents: incidentsOf(fake),
    addStranger: (name, owner) => fake.add(name, { ATLAS_OWNER: owner }).id,
    fetch: async () => new Response("ok"),
    secrets: [fake.apiKey],
    violations: () => fake.contract?.violations ?? [],
  };
}

function incidentsOf(fake: FakeRunpod): Cloud<Provocation>["incidents"] {
  return {
    vanish: { excuses: ["vanished"], happenTo: ({ id }) => fake.setStatus(id, "TERMINATED") },
    fail: { excuses: ["failed"], happenTo: ({ id }) => fake.setStatus(id, "ERROR") },
    exit: { excuses: ["exited", "stopped_by_provider"], happenTo: ({ id }) => fake.setStatus(id, "EXITED") },
    // No read came before its boot was due, and now it boots again: the provider cannot distinguish this from a first boot.
    resume: { excuses: ["boot_timeout"], happenTo: ({ id }) => fake.setStatus(id, undefined) },
    double: { excuses: [], happenTo: ({ name }, owner) => void fake.add(name, { ATLAS_OWNER: owner }) },
  };
}
