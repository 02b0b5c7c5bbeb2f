import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Clock } from "../../src/clock.ts";
import { createGuard } from "../../src/guard/index.ts";
import { DeadManSwitch, type DeadManSwitchOptions } from "../../src/guard/life/dead-man.ts";
import { deleteOverSocket, type EndingWorld, endOnce } from "../../src/guard/life/self-ending.ts";
import { loadRetry } from "../../src/internal/retry.ts";
import { type ManualClock, manualClock } from "../../src/providers/mock/index.ts";
import { fakeControlPlane } from "./support/control-plane.ts";

beforeAll(loadRetry);

const HOUR = 3600;
const closing: AbortController[] = [];
afterEach(() => {
  for (const controller of closing.splice(0)) controller.abort();
});

interface Armed {
  readonly clock: ManualClock;
  readonly ends: number[];
  readonly lines: string[];
  readonly deadMan: DeadManSwitch;
  readonly start: number;
}

/** The time that a machine has slept so far, in seconds. */
interface Suspension {
  seconds: number;
}

/** The clock of a machine that can be suspended: the time of day moves on meanwhile, and no timer does. */
function suspendable(clock: Clock, suspension: Suspension): Clock {
  return {
    now: () => new Date(clock.now().getTime() + suspension.seconds * 1000),
    sleep: (milliseconds, signal) => clock.sleep(milliseconds, signal),
  };
}

interface ArmOptions extends Partial<DeadManSwitchOptions> {
  readonly inSeconds?: number;
  readonly suspension?: Suspension;
}

function arm(options: ArmOptions): Armed {
  const controller = new AbortController();
  closing.push(controller);
  const clock = manualClock();
  const start = clock.now().getTime();
  const ends: number[] = [];
  const lines: string[] = [];
  const { inSeconds, suspension, ...rest } = options;
  const deadMan = new DeadManSwitch({
    deadline: inSeconds === undefined ? null : start + inSeconds * 1000,
    isMovable: false,
    unreachableSeconds: null,
    end: async () => {
      ends.push((clock.now().getTime() - start) / 1000);
      return undefined;
    },
    clock: suspension === undefined ? clock : suspendable(clock, suspension),
    signal: controller.signal,
    log: (line) => lines.push(line),
    ...rest,
  });
  return { clock, ends, lines, deadMan, start };
}

describe("a dead man's switch", () => {
  it("ends the pod at its deadline, not before and once", async () => {
    const { clock, ends, lines } = arm({ inSeconds: HOUR });
    await clock.advance(HOUR - 1);
    expect(ends).toEqual([]);
    await clock.advance(2 * HOUR);
    expect(ends).toEqual([HOUR]);
    expect(lines).toEqual(["Ending this pod: its deadline has passed."]);
  });

  it("ends the pod at once when it starts past its deadline", async () => {
    const { clock, ends } = arm({ inSeconds: -1 });
    await clock.advance(0);
    expect(ends).toEqual([0]);
  });

  it("follows a moved deadline, and has none after its removal", async () => {
    const { clock, ends, deadMan, start } = arm({ inSeconds: HOUR });
    deadMan.setDeadline(start + 2 * HOUR * 1000);
    await clock.advance(2 * HOUR - 1);
    deadMan.setDeadline(null);
    await clock.advance(6 * HOUR);
    expect(ends).toEqual([]);
  });

  it("repeats a failed end until it succeeds, because a pod that stays costs money", async () => {
    const failures = ["runpod answered 500", "runpod: TimeoutError", undefined];
    let tries = 0;
    const { clock, lines } = arm({ inSeconds: 0, end: async () => failures[tries++] });
    await clock.advance(HOUR);
    expect(tries).toBe(3);
    expect(lines).toContain("This pod could not be ended (runpod answered 500). The guard tries again.");
  });

  it("ends the pod when the control plane has been unreachable for the set time", async () => {
    const { clock, ends, lines, deadMan } = arm({ unreachableSeconds: 1800 });
    deadMan.noteContact(false);
    await clock.advance(1799);
    expect(ends).toEqual([]);
    await clock.advance(60);
    expect(ends).toHaveLength(1);
    expect(lines).toEqual(["Ending this pod: the control plane is gone."]);
  });

  it("forgives every outage that ends in time", async () => {
    const { clock, ends, deadMan } = arm({ unreachableSeconds: 1800 });
    for (let minute = 0; minute < 360; minute += 1) {
      deadMan.noteContact(minute % 20 === 19);
      await clock.advance(60);
    }
    expect(ends).toEqual([]);
  });

  it.each([true, false])(
    "gives a machine the whole time again after a suspension (reachable: %s)",
    async (isThere) => {
      const suspension = { seconds: 0 };
      const { clock, ends, deadMan } = arm({ unreachableSeconds: 1800, suspension });
      deadMan.noteContact(true);
      await clock.advance(30);
      suspension.seconds = 100 * HOUR;
      deadMan.noteContact(isThere);
      await clock.advance(1740);
      expect(ends).toEqual([]);
      await clock.advance(180);
      expect(ends).toHaveLength(isThere ? 0 : 1);
    },
  );

  it("gives a machine the whole time again after a suspension in the middle of an outage", async () => {
    const suspension = { seconds: 0 };
    const { clock, ends, deadMan } = arm({ unreachableSeconds: 1800, suspension });
    deadMan.noteContact(false);
    await clock.advance(40);
    suspension.seconds = 100 * HOUR;
    await clock.advance(1800);
    expect(ends).toEqual([]);
    await clock.advance(90);
    expect(ends).toHaveLength(1);
  });

  it("stops when the guard is closed", async () => {
    const { clock, ends, deadMan } = arm({ inSeconds: HOUR });
    for (const controller of closing) controller.abort();
    await deadMan.done;
    await clock.advance(2 * HOUR);
    expect(ends).toEqual([]);
  });
});

describe("a guard", () => {
  const env = { ATLAS_PRESHARED_KEY: "key", RUNPOD_POD_ID: "pod1", RUNPOD_API_KEY: "pod-scoped" };

  it("has no dead man's switch without the option", async () => {
    const clock = manualClock();
    await using _guard = createGuard({ env, clock, deadline: "2020-01-01T00:00:00Z", log: () => {} });
    await clock.advance(0);
    expect(clock.sleeping).toBe(0);
  });

  it("ends its pod at the deadline of its environment, and follows the answer to a heartbeat that moves it", async () => {
    const clock = manualClock();
    const at = (seconds: number): string => new Date(clock.now().getTime() + seconds * 1000).toISOString();
    const plane = fakeControlPlane(clock);
    plane.facts.deadline = at(2 * HOUR);
    const ended: string[] = [];
    const fakeFetch: typeof fetch = async (input, init) => {
      if (init?.method !== "DELETE") return plane.fetch(input, init);
      ended.push(`${String(input)} ${new Headers(init?.headers).get("authorization")}`);
      return new Response(null, { status: 204 });
    };
    await using _guard = createGuard({
      env: {
        ...env,
        ATLAS_DEADLINE: at(HOUR),
        ATLAS_CONTROL_URL: "https://app.example",
        ATLAS_POD_TOKEN: "t",
      },
      deadMan: { unreachableSeconds: null },
      fetch: fakeFetch,
      clock,
      log: () => {},
    });
    await clock.advance(2 * HOUR - 1);
    expect(ended).toEqual([]);
    await clock.advance(1);
    expect(ended).toEqual(["https://api.runpod.io/v2/pods/pod1 Bearer pod-scoped"]);
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ["does not answer", () => Promise.reject(new TypeError("fetch failed"))],
    ["is a parked page", () => new Response("<html>This domain is for sale")],
    ["is a parked page that answers JSON", () => Response.json({ status: "ok" })],
    ["answers 404", () => new Response(null, { status: 404 })],
    ["answers 410", () => new Response(null, { status: 410 })],
    ["answers 401 like a login", () => new Response("<html>sign in", { status: 401 })],
    ["answers 429 like an edge", () => new Response("slow down", { status: 429 })],
  ])("ends its pod without any traffic when the control plane's address %s", async (_what, answer) => {
    const clock = manualClock();
    let ended = 0;
    const fakeFetch: typeof fetch = async (_input, init) => {
      if (new Headers(init?.headers).get("authorization") !== "Bearer pod-scoped") return answer();
      ended += 1;
      return new Response(null, { status: 204 });
    };
    await using _guard = createGuard({
      env: { ...env, ATLAS_CONTROL_URL: "https://app.example", ATLAS_POD_TOKEN: "t" },
      deadMan: true,
      fetch: fakeFetch,
      clock,
      log: () => {},
    });
    await clock.advance(1700);
    expect(ended).toBe(0);
    await clock.advance(300);
    expect(ended).toBe(1);
  });
});

describe("a pod ends itself", () => {
  const world = (env: EndingWorld["env"], changes: Partial<EndingWorld> = {}): EndingWorld => ({
    env,
    fetch: () => Promise.reject(new Error("not to be called")),
    deleteOverSocket: () => Promise.reject(new Error("not to be called")),
    endProcesses: () => {
      throw new Error("not to be called");
    },
    ...changes,
  });
  const runpod = { RUNPOD_POD_ID: "pod/1", RUNPOD_API_KEY: "secret-key" };

  it("on RunPod with the key that is scoped to it", async () => {
    const asked: string[] = [];
    const answer: typeof fetch = async (input) => {
      asked.push(String(input));
      return new Response(null, { status: 204 });
    };
    expect(await endOnce(world(runpod, { fetch: answer }))).toBeUndefined();
    expect(asked).toEqual(["https://api.runpod.io/v2/pods/pod%2F1"]);
  });

  it("and says why when it cannot, without the key", async () => {
    const refused = world(runpod, { fetch: async () => new Response("secret-key", { status: 404 }) });
    expect(await endOnce(refused)).toBe("runpod answered 404");
    const lost = world(runpod, { fetch: () => Promise.reject(new TypeError("to secret-key")) });
    expect(await endOnce(lost)).toBe("runpod: TypeError");
  });

  it("on Fly through the socket in its machine", async () => {
    const asked: string[] = [];
    const deleteFake = async (socketPath: string, path: string): Promise<number> => {
      asked.push(`${socketPath} ${path}`);
      return 200;
    };
    const env = { FLY_APP_NAME: "app", FLY_MACHINE_ID: "m1" };
    expect(await endOnce(world(env, { deleteOverSocket: deleteFake }))).toBeUndefined();
    expect(asked).toEqual(["/.fly/api /v1/apps/app/machines/m1?force=true"]);
  });

  it("on other machines by ending its processes", async () => {
    let ended = 0;
    const count = (): void => {
      ended += 1;
    };
    const env = { FLY_APP_NAME: "app" };
    expect(await endOnce(world(env, { endProcesses: count }))).toBeUndefined();
    expect(ended).toBe(1);
  });

  it("with a DELETE over a Unix socket", async () => {
    const directory = await mkdtemp(join(tmpdir(), "atlas-"));
    const socketPath = join(directory, "api");
    const server = createServer((request, response) => {
      response.statusCode = request.method === "DELETE" && request.url === "/v1/x?force=true" ? 200 : 400;
      response.end("{}");
    });
    server.listen(socketPath);
    await once(server, "listening");
    expect(await deleteOverSocket(socketPath, "/v1/x?force=true")).toBe(200);
    server.closeAllConnections();
    server.close();
    await expect(deleteOverSocket(join(directory, "none"), "/")).rejects.toThrow();
    await rm(directory, { recursive: true });
  });
});
