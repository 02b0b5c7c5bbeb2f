/** A control plane on a mock provider, with two signed-in users, for every kind of request. */
import type { Compute } from "../../src/compute.ts";
import { type Atlas, createAtlas, memoryStore } from "../../src/index.ts";
import { type ManualClock, type MockProvider, manualClock, mock } from "../../src/providers/mock/index.ts";
import type { SpawnRequest } from "../../src/request.ts";
import { type ControlPlane, type ControlPlaneOptions, createControlPlane } from "../../src/server/index.ts";
import type { Store } from "../../src/store.ts";

export const INTERNAL_SECRET = "internal-secret-of-32-characters!";
export const BASE = "https://app.example/api/atlas";

/** The secrets that a pod received at its creation. */
export interface Pod {
  readonly compute: Compute;
  /** The user's. */
  readonly token: string;
  readonly podToken: string;
}

/** A user of the application, with the properties that the application adds. */
interface User {
  readonly userId: string;
  readonly gpu: string;
}

/** A control plane, with its parts. */
export interface PlaneUnderTest {
  readonly atlas: Atlas;
  readonly clock: ManualClock;
  readonly provider: MockProvider;
  readonly store: Store;
  /** Signed-in users by cookie. */
  readonly sessions: Map<string, User>;
  /** The log entries. */
  readonly logged: unknown[][];
  readonly handler: ControlPlane;
  /** Calls a path below the base. An object as body is sent as JSON. */
  call(method: string, path: string, options?: CallOptions): Promise<Response>;
  /** A compute of this user, with the secrets of its pod. */
  spawn(userId?: string | undefined, request?: SpawnRequest): Promise<Pod>;
}

/** The parts of a request. */
export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** The origin of the application's pages. */
export const ORIGIN = "https://app.example";

/** Headers of the users' browsers on a page of the application. */
export const ada: Record<string, string> = { cookie: "session=ada", origin: ORIGIN };
export const bob: Record<string, string> = { cookie: "session=bob", origin: ORIGIN };

/** Headers that present a bearer token. */
export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** Creates a control plane; the given options replace the defaults. */
export function planeUnderTest(
  options: Partial<ControlPlaneOptions<User>> = {},
  through: (store: Store) => Store = (store) => store,
): PlaneUnderTest {
  const clock = manualClock();
  const provider = mock({ clock });
  const store = memoryStore({ clock });
  const signingKey = "signing-key-of-thirty-two-characters";
  const atlas = createAtlas({
    ...{ providers: [provider], fetch: provider.fetch, clock, signingKey, controlUrl: BASE },
    store: through(store),
  });
  const sessions = new Map([
    ["session=ada", { userId: "ada", gpu: "h100" }],
    ["session=bob", { userId: "bob", gpu: "l4" }],
  ]);
  const logged: unknown[][] = [];
  const note = (...line: unknown[]): void => void logged.push(line);
  const handler = createControlPlane<User>({
    atlas,
    authorize: ({ headers }) => sessions.get(headers.get("cookie") ?? "") ?? null,
    request: ({ gpu }) => ({ gpu, ports: [8000, "22/tcp"], auth: ["bearer", "signed-url", "cookie"] }),
    internalSecret: INTERNAL_SECRET,
    basePath: "/api/atlas",
    clock,
    logger: { debug: note, info: note, warn: note, error: note },
    ...options,
  });
  return {
    ...{ atlas, clock, provider, store, sessions, logged, handler },
    call: (method, path, call) => handler(toRequest(method, path, call)),
    spawn: async (userId = "ada", request = {}) => {
      const given = {
        maxExtendedLifetimeSeconds: 172_800,
        ports: [8000],
        auth: ["bearer", "signed-url", "cookie"] as const,
        ...request,
      };
      const compute = await atlas.spawnCompute({ ...given, userId });
      const env = provider.instances.find(({ name }) => name === compute.name)?.env ?? {};
      return { compute, token: env.ATLAS_PRESHARED_KEY ?? "", podToken: env.ATLAS_POD_TOKEN ?? "" };
    },
  };
}

/** A request as a browser or a pod sends it. */
function toRequest(method: string, path: string, { headers, body, signal }: CallOptions = {}): Request {
  const isRaw = typeof body === "string" || body instanceof ReadableStream || body === undefined;
  return new Request(`${BASE}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body), duplex: "half" }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** The JSON of a response. */
export async function jsonOf(response: Response | Promise<Response>): Promise<Record<string, unknown>> {
  return (await (await response).json()) as Record<string, unknown>;
}
