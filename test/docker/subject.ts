/** `docker()` as the law suite takes it, on the fake or on a real daemon. */
import { setTimeout as sleep } from "node:timers/promises";
import type { CallContext } from "../../src/call-context.ts";
import { createNodeFetch } from "../../src/internal/node-fetch.ts";
import type { LawFault, ProviderTraits, ProviderUnderTest } from "../../src/laws/provider-laws.ts";
import type { CreateRequest, PlacementRequest } from "../../src/provider.ts";
import { type DockerOptions, docker } from "../../src/providers/docker/index.ts";
import { manualClock } from "../../src/providers/mock/index.ts";
import { FakeDaemon } from "../fakes/docker.ts";
import { faultyFetch, provoke } from "./faults.ts";

/** The devices of the fake and of the test daemon. */
export const devices: DockerOptions["devices"] = [
  { id: "0", gpu: "l4" },
  { id: "1", gpu: "l4" },
];

/** A request that Docker can serve. Its program writes a line, and runs until it is ended. */
export const placement: PlacementRequest = {
  gpus: [],
  gpuCount: 1,
  image: "tiny:1",
  command: ["sh", "-c", "echo ready; exec httpd -f -p 8000 -h /www"],
  ports: [
    { internal: 8000, protocol: "http", name: "api" },
    { internal: 22, protocol: "tcp" },
  ],
  regions: [],
  metadata: {},
  options: undefined,
};

/** The context of a caller that never gives up. */
export function quietContext(requestTimeoutSeconds = 20): CallContext {
  return { signal: new AbortController().signal, requestTimeoutSeconds };
}

/** A create's argument. */
export function createRequest(
  facts: Partial<CreateRequest> = {},
  name = "atlas-default-0123456789abcdefghij",
): CreateRequest {
  const env = { ATLAS_OWNER: "owner-1", ATLAS_PRESHARED_KEY: "preshared-key-of-the-test", MODEL: "llama" };
  return { ...placement, name, owner: "owner-1", env, candidate: { region: "docker" }, ...facts };
}

const silences: readonly LawFault[] = ["timeout-before", "connection-before", "error-before"];
const reads: readonly LawFault[] = [...silences, "hang", "malformed"];

/** The traits of `docker()`. */
export const dockerTraits: ProviderTraits = {
  methods: ["find", "stop", "start", "logs", "listGpuTypes", "parseOptions"],
  duplicateNames: false,
  placements: {
    "a container": placement,
    "a container with a GPU": { ...placement, gpus: ["l4"] },
    "a container with two GPUs": { ...placement, gpus: ["h100", "any"], gpuCount: 2 },
    "a container with a limit of its disk where there is none": {
      ...placement,
      diskGb: 5,
      cpus: 1,
      memoryGb: 0.5,
    },
  },
  faults: {
    create: [
      "capacity",
      "invalid",
      ...silences,
      "timeout-after",
      "connection-after",
      "error-after",
      "unreadable-after",
      "hang",
    ],
    get: reads,
    list: reads,
    find: reads,
    terminate: [...silences, "hang"],
  },
};

/** `docker()` on a fake daemon of its own. */
export async function fakeSubject(): Promise<ProviderUnderTest & { readonly fake: FakeDaemon }> {
  const clock = manualClock();
  const fake = new FakeDaemon({ clock });
  const faulty = faultyFetch(fake.handle);
  const provider = docker({ devices, clock, fetch: faulty.fetch });
  return {
    fake,
    provider,
    placement,
    instances: async () =>
      fake.containers.map(({ id, name, body }) => ({
        providerId: id,
        name,
        alive: true,
        env: toEnv(body.Env),
      })),
    settle: (promise) => clock.settle(promise),
    advance: (seconds) => clock.advance(seconds),
    fault: (...fault) => provoke(faulty, ...fault),
    log: (id, line) => {
      fake.containers.find((container) => container.id === id)?.logs.push({ at: clock.now(), line });
    },
    // In real seconds, whatever the clock says.
    requestTimeoutSeconds: 1,
    close: async () => undefined,
  };
}

/** `docker()` on a real daemon. Each law has a namespace of its own, and `close` ends what it left. */
export async function daemonSubject(socketPath: string): Promise<ProviderUnderTest> {
  const direct = createNodeFetch({ socketPath });
  const faulty = faultyFetch((request) => direct(request));
  const provider = docker({ devices, daemon: `unix://${socketPath}`, fetch: faulty.fetch });
  const ask = async (path: string, method = "GET"): Promise<Response> =>
    direct(`http://docker${path}`, { method });
  const listed = async (): Promise<readonly { readonly Id: string; readonly Names: readonly string[] }[]> =>
    JSON.parse(await (await ask("/containers/json?all=true")).text());
  return {
    provider,
    placement,
    instances: async () => {
      const all = await listed();
      const ours = all.filter(({ Names }) => Names[0]?.startsWith("/atlas-"));
      const inspected: readonly { Id: string; Name: string; Config: { Env?: string[] } }[] =
        await Promise.all(
          ours.map(async ({ Id }) => JSON.parse(await (await ask(`/containers/${Id}/json`)).text())),
        );
      return inspected.map(({ Id, Name, Config }) => ({
        providerId: Id,
        name: Name.slice(1),
        alive: true,
        env: toEnv(Config.Env),
      }));
    },
    settle: (promise) => promise,
    // The daemon gets less time than the provider asks for: no law here cuts a create off while the daemon works on it.
    advance: (seconds) => sleep(Math.min(seconds, 0.5) * 1000),
    fault: (...fault) => provoke(faulty, ...fault),
    requestTimeoutSeconds: 5,
    close: async () => {
      faulty.heal();
      for (const { Id } of await listed()) await ask(`/containers/${Id}?force=true&v=true`, "DELETE");
    },
  };
}

function toEnv(pairs: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
}
