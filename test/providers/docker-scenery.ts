/** docker() before its fake, for a world. */
import fc from "fast-check";
import type { Clock } from "../../src/clock.ts";
import { docker } from "../../src/providers/docker/index.ts";
import { LABELS } from "../../src/providers/docker/wire.ts";
import { type DockerFault, type DockerOperation, dockerRefusals, faultyFetch } from "../docker/faults.ts";
import { devices } from "../docker/subject.ts";
import { FakeDaemon } from "../fakes/docker.ts";
import type { Cloud } from "../support/world/cloud.ts";
import type { Scenery } from "../support/world/happenings.ts";
import { whileAlive } from "../support/world/mortal.ts";

interface Provocation {
  readonly operation: DockerOperation;
  readonly fault: DockerFault;
  readonly times: number;
}

const operations: readonly DockerOperation[] = [
  "create",
  "create",
  "start",
  "start",
  "inspect",
  "list",
  "remove",
  "other",
];
const silences = (["timeout", "connection", "error"] as const).flatMap(
  (kind) => [`${kind}-before`, `${kind}-after`] as const,
);

/** The faults of an operation. A success that did nothing is no fault of a daemon, so that only reads are malformed. */
function faultsOf(operation: DockerOperation): readonly DockerFault[] {
  if (operation === "inspect" || operation === "list") return [...silences, "malformed"];
  if (operation === "create") return [...silences, "unreadable-after", dockerRefusals.badRequest];
  return operation === "start" ? [...silences, dockerRefusals.noDriver] : silences;
}

const faults: fc.Arbitrary<{ at: number; fault: Provocation }> = fc
  .constantFrom(...operations)
  .chain((operation) =>
    fc.record({
      at: fc.constant(0),
      fault: fc.record({
        operation: fc.constant(operation),
        fault: fc.constantFrom(...faultsOf(operation)),
        times: fc.constantFrom(1, 1, 2, 6),
      }),
    }),
  );

const base = { image: "tiny:1", ports: [8000] } as const;

/** Docker with two GPUs, for which the computes of a world race. */
export const dockerScenery: Scenery<Provocation> = {
  clouds: (clock) => [dockerCloud(clock)],
  requests: [
    base,
    { ...base, gpu: "l4" },
    { ...base, gpu: ["h100", "any"], gpuCount: 2 },
    { ...base, volumeGb: 5 },
  ],
  faults,
  incidents: ["exit", "outOfMemory", "destroy"],
};

function dockerCloud(clock: Clock): Cloud<Provocation> {
  const fake = new FakeDaemon({ clock });
  const faulty = faultyFetch(fake.handle);
  const instances = fake.everMade;
  return {
    name: "docker",
    connect: (process) =>
      docker({ devices, clock, fetch: (...request) => whileAlive(process, () => faulty.fetch(...request)) }),
    instances: () =>
      instances
        .filter(({ body }) => body.Labels[LABELS.lock] === undefined)
        .map((container) => ({
          id: container.id,
          name: container.name,
          alive: fake.containers.includes(container),
          env: toEnv(container.body.Env),
        })),
    remains: () => twiceGiven(fake),
    provoke: ({ operation, fault, times }) => {
      faulty.fault(operation, fault, times);
      return [];
    },
    heal: () => faulty.heal(),
    incidents: {
      exit: { excuses: ["failed"], happenTo: ({ id }) => exit(fake, id, false) },
      outOfMemory: { excuses: ["failed"], happenTo: ({ id }) => exit(fake, id, true) },
      destroy: {
        excuses: ["vanished", "failed", "boot_timeout"],
        happenTo: ({ id }) => void fake.remove(id),
      },
    },
    addStranger: (name, owner) => fake.add(name, owner).id,
    fetch: async () => new Response("ok"),
    secrets: [],
  };
}

function exit(fake: FakeDaemon, id: string, isOutOfMemory: boolean): void {
  const container = fake.containers.find((other) => other.id === id);
  if (container?.status === "running") fake.exit(id, isOutOfMemory ? 137 : 0, isOutOfMemory);
}

/** GPUs that two running containers have. */
function twiceGiven({ containers }: FakeDaemon): readonly string[] {
  const running = containers.filter(({ status }) => status === "running");
  const held = running.flatMap(({ body }) => body.Labels[LABELS.gpus]?.split(",") ?? []);
  return held.filter((id, index) => held.indexOf(id) !== index).map((id) => `the GPU ${id}, given twice`);
}

function toEnv(pairs: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
}
