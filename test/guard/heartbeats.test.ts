import { beforeAll, describe, expect, it } from "vitest";
import { mintToken } from "../../src/auth/index.ts";
import { createGuard, type Guard, type GuardOptions } from "../../src/guard/index.ts";
import { loadRetry } from "../../src/internal/retry.ts";
import { type ManualClock, manualClock } from "../../src/providers/mock/index.ts";
import { judgeAtOnce, requestOf } from "./support/judge.ts";

beforeAll(loadRetry);

interface Beat {
  readonly at: number;
  readonly url: string;
  readonly authorization: string | null;
  readonly body: unknown;
}

/** A control plane that gives these answers in order, and remembers its requests. */
function fakeControlPlane(
  clock: ManualClock,
  answers: (() => Response)[] = [],
): { beats: Beat[]; fetch: typeof fetch } {
  const beats: Beat[] = [];
  const start = clock.now().getTime();
  return {
    beats,
    fetch: async (input, init) => {
      const request = new Request(input as string, init);
      const at = (clock.now().getTime() - start) / 1000;
      const authorization = request.headers.get("authorization");
      beats.push({ at, url: request.url, authorization, body: await request.json() });
      return answers.shift()?.() ?? new Response(null, { status: 204 });
    },
  };
}

const { token, hash } = mintToken();

function guardWith(clock: ManualClock, options: GuardOptions): Guard {
  return createGuard({
    presharedKey: token,
    controlUrl: "https://app.example/atlas/",
    podToken: "pod-token",
    publicPaths: ["/healthz"],
    log: () => {},
    clock,
    env: {},
    ...options,
  });
}

function call(guard: Guard, url = "/", credential = token, method = "GET"): string {
  return judgeAtOnce(guard, requestOf(method, url, { authorization: `Bearer ${credential}` })).kind;
}

describe("signs of life", () => {
  it("become one heartbeat, sent with the pod's own credential", async () => {
    const clock = manualClock();
    const { beats, fetch } = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch });
    call(guard);
    await clock.advance(0);
    expect(beats).toEqual([
      {
        at: 0,
        url: "https://app.example/atlas/pod/heartbeat",
        authorization: "Bearer pod-token",
        body: { signs: ["requests"] },
      },
    ]);
  });

  it("become at most one heartbeat a minute, however many there are", async () => {
    const clock = manualClock();
    const { beats, fetch } = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch });
    for (let second = 0; second < 300; second += 1) {
      call(guard);
      await clock.advance(1);
    }
    expect(beats.map(({ at }) => at)).toEqual([0, 60, 120, 180, 240, 300]);
  });

  it("do not include refused requests, public paths and readiness checks", async () => {
    const clock = manualClock();
    const { beats, fetch } = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch });
    expect(call(guard, "/", "wrong")).toBe("refused");
    expect(call(guard, "/healthz")).toBe("pass");
    expect(call(guard, "/.well-known/atlas/ready")).toBe("readiness");
    await clock.advance(600);
    expect(beats).toEqual([]);
    expect(clock.sleeping).toBe(0);
  });

  it("can come from the program in the pod, in code and over HTTP", async () => {
    const clock = manualClock();
    const { beats, fetch } = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch, signs: ["heartbeats"] });
    guard.heartbeat();
    await clock.advance(60);
    expect(call(guard, "/.well-known/atlas/heartbeat", token, "POST")).toBe("heartbeat");
    await clock.advance(0);
    expect(beats.map(({ body }) => body)).toEqual([{ signs: ["heartbeats"] }, { signs: ["heartbeats"] }]);
  });

  it.each([
    ["requests", (guard: Guard) => call(guard)],
    ["heartbeats", (guard: Guard) => guard.heartbeat()],
  ] as const)("of the kind %s do not count when an option switches that kind off", async (kind, give) => {
    const clock = manualClock();
    const { beats, fetch } = fakeControlPlane(clock);
    const kinds = ["requests", "sockets", "heartbeats"] as const;
    await using guard = guardWith(clock, { fetch, signs: kinds.filter((one) => one !== kind) });
    give(guard);
    await clock.advance(600);
    expect(beats).toEqual([]);
  });

  it("include the bytes of an open response, and end with it", async () => {
    const clock = manualClock();
    const { beats, fetch } = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch });
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const serve = guard.fetch(() => new Response(readable));
    const response = await serve(
      new Request("http://pod/", { headers: { authorization: `Bearer ${token}` } }),
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
    const signs = [{ signs: ["requests"] }, { signs: ["sockets"] }, { signs: ["sockets"] }];
    expect(beats.map(({ body }) => body)).toEqual(signs);
    await Promise.all([writer.close(), reader?.read()]);
    await clock.advance(180);
    expect(clock.sleeping).toBe(0);
  });

  it("are sent nowhere without a control plane", async () => {
    const clock = manualClock();
    const { beats, fetch } = fakeControlPlane(clock);
    await using guard = createGuard({ presharedKey: token, fetch, clock, env: {} });
    call(guard);
    await clock.advance(600);
    expect(beats).toEqual([]);
  });
});

describe("a heartbeat that fails", () => {
  it("is sent again with growing pauses, until the control plane has answered", async () => {
    const clock = manualClock();
    const lines: string[] = [];
    const broken = (): Response => new Response("<html>", { status: 502 });
    const lost = (): Response => {
      throw new TypeError("fetch failed");
    };
    const { beats, fetch } = fakeControlPlane(clock, [
      broken,
      lost,
      () => new Response("<html>a login page</html>"),
    ]);
    await using guard = guardWith(clock, { fetch, log: (line) => lines.push(line) });
    call(guard);
    await clock.advance(300);
    const [, second = 0, third = 0, fourth = 0] = beats.map(({ at }) => at);
    expect(second).toBeGreaterThan(11);
    expect(third - second).toBeGreaterThan(22);
    expect(fourth - third).toBeGreaterThan(44);
    expect(beats).toHaveLength(4);
    expect(lines).toEqual([
      "The control plane does not answer heartbeats (status 502). The guard tries again.",
    ]);
  });

  it("is not repeated after a refusal, and never logs the credential", async () => {
    const clock = manualClock();
    const lines: string[] = [];
    const { beats, fetch } = fakeControlPlane(clock, [() => new Response(null, { status: 401 })]);
    await using guard = guardWith(clock, { fetch, log: (line) => lines.push(line) });
    call(guard);
    await clock.advance(300);
    expect(beats).toHaveLength(1);
    expect(lines).toEqual(["The control plane refused a heartbeat with status 401."]);
  });
});

describe("the answer to a heartbeat", () => {
  it("replaces the accepted tokens", async () => {
    const clock = manualClock();
    const next = mintToken();
    const expiresAt = new Date(clock.now().getTime() + 90_000).toISOString();
    const answer = {
      hashes: [
        { hash: next.hash, expiresAt: null },
        { hash, expiresAt },
      ],
    };
    const { fetch } = fakeControlPlane(clock, [() => Response.json(answer)]);
    await using guard = guardWith(clock, { fetch });
    expect(call(guard, "/", next.token)).toBe("refused");
    call(guard);
    await clock.advance(89);
    expect([call(guard), call(guard, "/", next.token)]).toEqual(["pass", "pass"]);
    await clock.advance(1);
    expect([call(guard), call(guard, "/", next.token)]).toEqual(["refused", "pass"]);
  });

  it("revokes every token with an empty list, and changes nothing without a list", async () => {
    const clock = manualClock();
    const { fetch } = fakeControlPlane(clock, [() => Response.json({}), () => Response.json({ hashes: [] })]);
    await using guard = guardWith(clock, { fetch });
    call(guard);
    await clock.advance(59);
    expect(call(guard)).toBe("pass");
    await clock.advance(1);
    expect(call(guard)).toBe("refused");
  });

  it("changes nothing when it is malformed", async () => {
    const clock = manualClock();
    const { fetch } = fakeControlPlane(clock, [
      () => Response.json({ hashes: [{ hash: "x", expiresAt: null }] }),
    ]);
    await using guard = guardWith(clock, { fetch });
    call(guard);
    await clock.advance(0);
    expect(call(guard)).toBe("pass");
  });
});
