/** A tab of a browser for the tests in Node: its storage, its requests, and the answers of its pod. */
import {
  type ComputeClient,
  type ComputeClientOptions,
  type ComputeSession,
  createComputeClient,
  type SessionPhase,
} from "../../src/browser/index.ts";
import { ada, ORIGIN, type PlaneUnderTest } from "../server/plane.ts";

/** The parts of the tab that a test changes. */
export interface TabState {
  isOnline: boolean;
  pod: (request: Request) => Response;
}

/** A tab. */
export interface Tab {
  readonly client: ComputeClient;
  readonly reload: () => ComputeClient;
  readonly memory: Map<string, string>;
  readonly sent: Request[];
  readonly state: TabState;
}

/** A tab of a browser whose pod answers, or refuses, as the test says. */
export function tab(plane: PlaneUnderTest, options: Partial<ComputeClientOptions> = {}): Tab {
  const memory = new Map<string, string>();
  const storage = {
    getItem: (key: string) => memory.get(key) ?? null,
    setItem: (key: string, value: string) => void memory.set(key, value),
    removeItem: (key: string) => void memory.delete(key),
  };
  const sent: Request[] = [];
  const state: TabState = { isOnline: true, pod: () => new Response(null, { status: 502 }) };
  const send: typeof fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, ORIGIN);
    const request = new Request(url, init);
    sent.push(request);
    if (!state.isOnline) throw new TypeError("Failed to fetch");
    return url.origin === ORIGIN ? plane.handler(request) : state.pod(request);
  };
  const make = (): ComputeClient =>
    createComputeClient({ baseUrl: "/api/atlas", fetch: send, headers: ada, storage, ...options });
  return { client: make(), reload: make, memory, sent, state };
}

/** Waits for a phase. */
export function until(session: ComputeSession, phase: SessionPhase): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (session.getSnapshot().phase !== phase) return;
      unsubscribe();
      resolve();
    };
    const unsubscribe = session.subscribe(look);
    look();
  });
}

/** A pod that answers its readiness with this id, and everything else by `serve`. */
export function readyPod(id: () => string | undefined, serve: (request: Request) => Response) {
  return (request: Request): Response =>
    request.url.endsWith("/ready") ? Response.json({ computeId: id(), status: "ready" }) : serve(request);
}
