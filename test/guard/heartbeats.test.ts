import { beforeAll, describe, expect, it } from "vitest";
import type { Guard } from "../../src/guard/index.ts";
import { createGuard } from "../../src/guard/index.ts";
import { loadRetry } from "../../src/internal/retry.ts";
import { manualClock } from "../../src/providers/mock/index.ts";
import { call, fakeControlPlane, guardWith, TOKEN } from "./support/control-plane.ts";

beforeAll(loadRetry);

const REQUESTS = { signs: ["requests"] };
const QUESTION = { signs: [] };

describe("signs of life", () => {
  it("become one heartbeat, sent with the pod's own credential", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch });
    await clock.advance(0);
    await call(guard);
    await clock.advance(0);
    expect(plane.beats.filter(({ url }) => url.endsWith("/pod/heartbeat")).at(-1)).toEqual({
      at: 0,
      url: "https://app.example/atlas/pod/heartbeat",
      authorization: "Bearer pod-token",
      body: REQUESTS,
    });
  });

  it("become at most one heartbeat a minute, however many there are, and stand for the question by time", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch });
    await clock.advance(0);
    for (let second = 0; second < 300; second += 1) {
      await call(guard);
      await clock.advance(1);
    }
    expect(plane.times(REQUESTS)).toEqual([0, 60, 120, 180, 240, 300]);
    expect(plane.times(QUESTION).length).toBeLessThan(8);
  });

  it("do not include refused requests, public paths and readiness checks", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch });
    await clock.advance(0);
    expect(await call(guard, "wrong")).toBe("refused");
    expect(await call(guard, TOKEN, "/healthz")).toBe("pass");
    expect(await call(guard, TOKEN, "/.well-known/atlas/ready")).toBe("readiness");
    await clock.advance(600);
    expect(plane.times(REQUESTS)).toEqual([]);
  });

  it("can come from the program in the pod, in code and over HTTP", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch, signs: ["heartbeats"] });
    await clock.advance(0);
    guard.heartbeat();
    await clock.advance(60);
    expect(await call(guard, TOKEN, "/.well-known/atlas/heartbeat", "POST")).toBe("heartbeat");
    await clock.advance(0);
    expect(plane.times({ signs: ["heartbeats"] })).toEqual([0, 60]);
  });

  it.each([
    ["requests", (guard: Guard) => call(guard)],
    ["heartbeats", async (guard: Guard) => guard.heartbeat()],
  ] as const)("of the kind %s do not count when an option switches that kind off", async (kind, give) => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    const kinds = ["requests", "sockets", "heartbeats"] as const;
    const signs = kinds.filter((one) => one !== kind);
    await using guard = guardWith(clock, { fetch: plane.fetch, signs });
    await clock.advance(0);
    await give(guard);
    await clock.advance(600);
    expect(plane.times()).toEqual(plane.times(QUESTION));
  });

  it("include the bytes of an open response, and end with it", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch });
    await clock.advance(0);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const serve = guard.fetch(() => new Response(readable));
    const response = await serve(
      new Request("http://pod/", { headers: { authorization: `Bearer ${TOKEN}` } }),
    );
    const reader = response.body?.getReader();
    const writer = writable.getWriter();
    const stream = async (): Promise<void> => {
      await Promise.all([writer.write(new Uint8Array(1)), reader?.read()]);
      await clock.advance(60);
    };
    await stream();
    await stream();
    await clock.advance(180);
    await Promise.all([writer.close(), reader?.read()]);
    await clock.advance(180);
    expect(plane.times(REQUESTS)).toEqual([0]);
    expect(plane.times({ signs: ["sockets"] })).toEqual([60, 120]);
  });

  it("are sent nowhere without a control plane", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = createGuard({ presharedKey: TOKEN, fetch: plane.fetch, clock, env: {} });
    await call(guard);
    await clock.advance(600);
    expect(plane.beats).toEqual([]);
    expect(clock.sleeping).toBe(0);
  });
});

describe("a heartbeat that fails", () => {
  it("is sent again with growing pauses, until the control plane has answered", async () => {
    const clock = manualClock();
    const lines: string[] = [];
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch, log: (line) => lines.push(line) });
    await clock.advance(0);
    plane.answers.push(
      () => new Response("<html>", { status: 502 }),
      () => Promise.reject(new TypeError("fetch failed")),
      () => new Response("<html>a login page</html>"),
    );
    await call(guard);
    await clock.advance(300);
    const [first = 0, second = 0] = plane.times(REQUESTS);
    expect(first).toBe(0);
    expect(second).toBeGreaterThan(11);
    expect(lines).toEqual(["The control plane does not answer (status 502). The guard tries again."]);
    expect(plane.answers).toEqual([]);
  });

  it("never logs the credential", async () => {
    const clock = manualClock();
    const lines: string[] = [];
    const plane = fakeControlPlane(clock);
    plane.answers.push(() => new Response("pod-token", { status: 401 }));
    await using _guard = guardWith(clock, { fetch: plane.fetch, log: (line) => lines.push(line) });
    await clock.advance(300);
    expect(lines.join()).toContain("status 401");
    expect(lines.join()).not.toContain("pod-token");
  });
});

describe("a guard whose server tells when it listens", () => {
  it("reports it once, when it first listens", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    let isReady = false;
    await using _guard = guardWith(clock, { fetch: plane.fetch, isReady: () => isReady });
    await clock.advance(20);
    const reports = (): unknown[] => plane.beats.filter(({ url }) => url.endsWith("/pod/status"));
    expect(reports()).toEqual([]);
    isReady = true;
    await clock.advance(200);
    expect(reports()).toMatchObject([
      {
        at: 20.05,
        body: { status: "ready", detail: expect.stringMatching(/^guard \d/) },
        authorization: "Bearer pod-token",
      },
    ]);
  });
});
