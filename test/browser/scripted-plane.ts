/** A page whose control plane and pod do what a test says, one event after another, on a clock that the test moves. */
import {
  type ComputeSession,
  type ComputeSnapshot,
  createComputeClient,
  type SessionPhase,
} from "../../src/browser/index.ts";
import { manualClock } from "../../src/providers/mock/index.ts";

const PLANE = "https://plane.example/api/atlas";
/** The store's clock is ahead of the browser's. */
const SKEW_MILLISECONDS = 3_600_000;
/** Longer than the pause between two reads. */
const SETTLE_SECONDS = 12;
const HAS_POD = /^(provisioning|running)$/;
const LIVE = /^(pending|provisioning|running|stopped)$/;

/** The compute of the script; undefined before the first one. */
interface Script {
  compute: Pick<ComputeSnapshot, "id" | "status" | "reason" | "endsAt" | "createdAt"> | undefined;
  isOnline: boolean;
  isDenied: boolean;
  isListening: boolean;
}

/** The events that change a session: of the page, of the control plane, of the pod and of the connection. */
export const EVENTS = [
  ...(["open", "extend", "stop", "start", "end"] as const),
  ...(["provision", "run", "fail", "finish", "warn"] as const),
  ...(["listen", "lose", "return", "deny", "allow"] as const),
];

/** The name of an event. */
export type EventName = (typeof EVENTS)[number];

/** A page with a script. */
export interface ScriptedPage {
  readonly session: ComputeSession;
  phase(): SessionPhase;
  /** Lets the event happen, and waits until the session has heard of it. */
  happen(event: EventName): Promise<void>;
}

/** Opens a page. Its session has not begun. */
export function scriptedPage(): ScriptedPage {
  const clock = manualClock();
  const script: Script = { compute: undefined, isOnline: true, isDenied: false, isListening: false };
  const time = (milliseconds = 0): string =>
    new Date(clock.now().getTime() + SKEW_MILLISECONDS + milliseconds).toISOString();
  const memory = new Map<string, string>();
  const client = createComputeClient({
    baseUrl: PLANE,
    clock,
    storage: {
      getItem: (key) => memory.get(key) ?? null,
      setItem: (key, value) => memory.set(key, value),
      removeItem: (key) => memory.delete(key),
    },
    fetch: async (input, init) => answer(script, time, new URL(String(input)), init?.method),
  });
  const session = client.session();
  const ignored = (): undefined => undefined;
  const events: Readonly<Record<EventName, () => unknown>> = {
    open: () => void client.open().catch(ignored),
    extend: () => session.extend(1e6).catch(ignored),
    stop: () => session.stop().catch(ignored),
    start: () => session.start().catch(ignored),
    end: () => session.end().catch(ignored),
    provision: () => move(script, /^pending$/, "provisioning"),
    run: () => move(script, /^provisioning$/, "running"),
    fail: () => move(script, LIVE, "failed", "failed"),
    finish: () => move(script, /^terminating$/, "terminated", "requested"),
    warn: () => script.compute && Object.assign(script.compute, { endsAt: time(50_000) }),
    listen: () => Object.assign(script, { isListening: HAS_POD.test(`${script.compute?.status}`) }),
    lose: () => Object.assign(script, { isOnline: false }),
    return: () => Object.assign(script, { isOnline: true }),
    deny: () => Object.assign(script, { isDenied: true }),
    allow: () => Object.assign(script, { isDenied: false }),
  };
  return {
    session,
    phase: () => session.getSnapshot().phase,
    happen: async (event) => {
      void events[event]();
      for (let second = 0; second < SETTLE_SECONDS; second += 1) {
        for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        await clock.advance(1);
      }
    },
  };
}

/** Changes the status, where the compute has one that permits it. */
function move(
  script: Script,
  from: RegExp,
  status: ComputeSnapshot["status"],
  reason: ComputeSnapshot["reason"] = null,
): void {
  if (!script.compute || !from.test(script.compute.status)) return;
  Object.assign(script.compute, { status, reason });
  if (!HAS_POD.test(status)) script.isListening = false;
}

/** Answers as the control plane does, and as the pod behind its own address. */
function answer(script: Script, time: (milliseconds?: number) => string, url: URL, method = "GET"): Response {
  if (!script.isOnline) throw new TypeError("Failed to fetch");
  if (!url.href.startsWith(PLANE)) {
    if (!script.isListening) throw new TypeError("Failed to fetch");
    return Response.json({ computeId: script.compute?.id, status: "ready" });
  }
  if (script.isDenied) return refusal(401, "UNAUTHORIZED");
  const isLive = script.compute !== undefined && LIVE.test(script.compute.status);
  if (method === "PUT" && !isLive) {
    script.isListening = false;
    const id = `compute${Math.random()}`;
    script.compute = { id, status: "pending", reason: null, endsAt: null, createdAt: time() };
  } else if (url.pathname.includes("/slots/") && !isLive) return refusal(404, "NOT_FOUND");
  const { compute } = script;
  if (!compute) return refusal(404, "NOT_FOUND");
  if (url.pathname.endsWith("/extend")) Object.assign(compute, { endsAt: time(1e9) });
  if (url.pathname.endsWith("/stop")) move(script, HAS_POD, "stopped");
  if (url.pathname.endsWith("/start")) move(script, /^stopped$/, "provisioning");
  if (method === "DELETE") move(script, LIVE, "terminating", "requested");
  const ports = [{ internal: 8000, protocol: "http", url: "https://pod.example" }];
  return Response.json({ ...compute, ports, slot: "default", warnBeforeEndSeconds: 60, now: time() });
}

function refusal(status: number, code: string): Response {
  return Response.json({ code, detail: code.toLowerCase(), retryable: false }, { status });
}
