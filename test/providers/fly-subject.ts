/** `fly()` on the fake Fly, for the law suite and the tests beside it. */
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import type { CallContext } from "../../src/call-context.ts";
import type {
  FaultyOperation,
  LawFault,
  ProviderTraits,
  ProviderUnderTest,
} from "../../src/laws/provider-laws.ts";
import type { CreateRequest, PlacementRequest } from "../../src/provider.ts";
import { type FlyOptions, type FlyProvider, fly } from "../../src/providers/fly/index.ts";
import { type ManualClock, manualClock } from "../../src/providers/mock/index.ts";
import { ConnectionCut, FlyFake, type FlyFakeOptions, type FlyFault } from "../fakes/fly.ts";
import { flyContract } from "../fakes/fly-contract.ts";
import { flyRefusals } from "../fakes/fly-refusals.ts";
import type { FlyOperation } from "../fakes/fly-routes.ts";
import { type Handler, serveFake } from "../fakes/serve.ts";

/** The provider, the fake behind it, and the clock of both. */
export interface FlyScene extends AsyncDisposable {
  readonly provider: FlyProvider;
  readonly fake: FlyFake;
  readonly clock: ManualClock;
}

/** The way from the provider to the fake: through msw, or over a socket. */
export type Wiring = "msw" | "http";

/** Makes a scene of its own for a test. */
export async function flyScene(
  options: FlyOptions = {},
  fakeOptions: FlyFakeOptions = {},
  wiring: Wiring = "msw",
): Promise<FlyScene> {
  const clock = manualClock();
  const fake = new FlyFake({ ...fakeOptions, clock });
  if (options.app !== undefined) fake.cloud.addApp(options.app, fake.org, "default");
  const { urls, close } = await (wiring === "msw" ? intercept : serve)(
    flyContract?.wrap(fake.handle) ?? fake.handle,
  );
  const provider = fly({ apiKey: fake.apiKey, org: fake.org, ...urls, ...options, clock });
  return { provider, fake, clock, [Symbol.asyncDispose]: close };
}

interface Wired {
  readonly urls: FlyOptions;
  readonly close: () => Promise<void>;
}

async function intercept(handler: Handler): Promise<Wired> {
  const answer = async ({ request }: { request: Request }): Promise<Response> => {
    try {
      return await handler(request);
    } catch (error) {
      if (error instanceof ConnectionCut) return HttpResponse.error();
      throw error;
    }
  };
  const server = setupServer(
    http.all("https://api.machines.dev/*", answer),
    http.all("https://api.fly.io/*", answer),
  );
  server.listen({ onUnhandledFrame: "error" });
  return { urls: {}, close: async () => server.close() };
}

async function serve(handler: Handler): Promise<Wired> {
  const { url, close } = await serveFake(handler);
  return { urls: { baseUrl: `${url}/v1`, logsBaseUrl: `${url}/api/v1` }, close };
}

/** A request that Fly can serve. */
export const machinePlacement: PlacementRequest = {
  gpus: [],
  gpuCount: 1,
  image: "ghcr.io/acme/server:1",
  regions: ["fra"],
  ports: [{ internal: 8000, protocol: "http", name: "api" }],
  metadata: {},
  options: undefined,
};

const bothPorts: PlacementRequest = {
  ...machinePlacement,
  ports: [...machinePlacement.ports, { internal: 22, protocol: "tcp" }],
};

/** A create's argument, for the first of the regions. */
export function createRequest(
  placement: PlacementRequest = machinePlacement,
  name = "atlas-default-0123456789abcdefghij",
): CreateRequest {
  const [region] = placement.regions;
  const env = { ATLAS_OWNER: "owner-1", ATLAS_PRESHARED_KEY: "preshared-key-of-the-test", MODEL: "llama" };
  return { ...placement, name, owner: "owner-1", env, candidate: region === undefined ? {} : { region } };
}

/** The context of a caller that never gives up. */
export function quietContext(requestTimeoutSeconds = 10): CallContext {
  return { signal: new AbortController().signal, requestTimeoutSeconds };
}

const silences: readonly LawFault[] = ["timeout-before", "connection-before", "error-before"];
const reads: readonly LawFault[] = ["bad-key", "refused-pool", "rate-limit", "hang", ...silences];

/** The traits of `fly()`. */
export const flyTraits: ProviderTraits = {
  methods: ["find", "stop", "start", "logs", "parseOptions", "account"],
  duplicateNames: false,
  faults: {
    create: [
      "capacity",
      "quota",
      "refused-pool",
      "balance",
      "bad-key",
      "invalid",
      "rate-limit",
      ...silences,
      "timeout-after",
      "connection-after",
      "error-after",
      "unreadable-after",
      "hang",
    ],
    get: [...reads, "malformed"],
    list: [...reads, "malformed", "partial"],
    find: [...reads, "malformed"],
    terminate: reads,
  },
};

/** The same without reads that time out, each of which takes real seconds. */
export const flyTraitsInShort: ProviderTraits = {
  ...flyTraits,
  faults: Object.fromEntries(
    Object.entries(flyTraits.faults ?? {}).map(([operation, faults]) => [
      operation,
      operation === "create" ? faults : faults.filter((fault) => fault !== "timeout-before"),
    ]),
  ),
};

/** Loads and compiles everything that a first request needs, so that none of it counts as time of a request. */
export async function warmUp(): Promise<void> {
  await using scene = await flyScene();
  const created = await scene.clock.settle(scene.provider.create(createRequest(), quietContext()));
  await scene.clock.settle(scene.provider.list({ namePrefix: "atlas-" }, quietContext()));
  await scene.clock.settle(scene.provider.terminate(created, quietContext()));
}

const REFUSALS: Readonly<Partial<Record<LawFault, FlyFault>>> = {
  capacity: flyRefusals.regionFull,
  quota: flyRefusals.quota,
  "refused-pool": flyRefusals.forbidden,
  balance: flyRefusals.paymentMethod,
  "bad-key": flyRefusals.badToken,
  invalid: flyRefusals.badImage,
  "rate-limit": flyRefusals.rateLimit,
  "timeout-before": "timeout-before",
  "timeout-after": "timeout-after",
  hang: "timeout-before",
  "connection-before": "connection-before",
  "connection-after": "connection-after",
  "error-before": "error-before",
  "error-after": "error-after",
  "unreadable-after": "unreadable-after",
  malformed: "malformed",
  partial: "error-before",
};

/** The requests that an operation consists of, and that a fault can hit. */
function targets(shared: boolean, operation: FaultyOperation, fault: LawFault): readonly FlyOperation[] {
  switch (operation) {
    case "create":
      // Of a compute's own app, the first request is the app's. What fails after the work is done, is the machine's.
      // A 401 about the app or its machine may only mean that the app is new.
      return !shared && (fault.endsWith("-before") || fault === "bad-key")
        ? ["createApp"]
        : ["createMachine"];
    case "get":
      return !shared && fault === "bad-key" ? ["getMachine", "listApps"] : ["getMachine"];
    case "find":
      return !shared && fault === "bad-key" ? ["listMachines", "listApps"] : ["listMachines"];
    case "list":
      if (shared) return ["listMachines"];
      return fault === "partial" ? ["orgMachines"] : ["listApps", "orgMachines"];
    case "terminate":
      return ["deleteMachine", "deleteApp"];
  }
}

/** The subject of the law suite. */
export async function flySubject(
  options: FlyOptions = {},
  fakeOptions: FlyFakeOptions = {},
  wiring: Wiring = "msw",
): Promise<ProviderUnderTest> {
  const scene = await flyScene(options, fakeOptions, wiring);
  const { provider, fake, clock } = scene;
  const shared = options.app !== undefined;
  return {
    provider,
    placement: shared ? machinePlacement : bothPorts,
    instances: async () => existing(fake, shared),
    settle: (promise) => clock.settle(promise),
    advance: (seconds) => clock.advance(seconds),
    fault: (operation, fault, times) => {
      const flyFault = REFUSALS[fault];
      if (flyFault === undefined) throw new Error(`the fake Fly knows no ${fault}`);
      for (const target of targets(shared, operation, fault)) fake.fault(target, flyFault, times);
    },
    log: (providerId, message) => {
      fake.machine(providerId).logs.push({ at: clock.now().getTime(), message, provider: "app" });
    },
    ...(fakeOptions.pageSize === undefined ? {} : { pageSize: fakeOptions.pageSize }),
    secrets: [fake.apiKey],
    // In real seconds, whatever the clock says.
    requestTimeoutSeconds: 1,
    close: async () => scene[Symbol.asyncDispose](),
  };
}

/** Machines, and apps of computes that have none. */
function existing(
  fake: FlyFake,
  shared: boolean,
): ReturnType<ProviderUnderTest["instances"]> extends Promise<infer Existing> ? Existing : never {
  const machines = fake.cloud.machines.map(({ machine }) => ({
    providerId: machine.id,
    name: machine.name,
    alive: machine.isAlive,
    env: machine.config.env ?? {},
  }));
  const empty = shared ? [] : fake.cloud.apps.filter(({ liveMachines }) => liveMachines.length === 0);
  return [...machines, ...empty.map(({ name }) => ({ providerId: name, name, alive: true }))];
}
