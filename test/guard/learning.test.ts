/** How a guard learns which credentials it accepts. */
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { generationSecret, hashToken, mintToken, signUrl } from "../../src/auth/index.ts";
import { systemClock } from "../../src/clock.ts";
import { createGuard, type Guard } from "../../src/guard/index.ts";
import { createControlPlaneClient } from "../../src/guard/life/control-plane.ts";
import { loadRetry } from "../../src/internal/retry.ts";
import { manualClock } from "../../src/providers/mock/index.ts";
import { COMPUTE_ID, call, fakeControlPlane, guardWith, rejection, TOKEN } from "./support/control-plane.ts";
import { requestOf } from "./support/judge.ts";
import { start } from "./support/servers.ts";

beforeAll(loadRetry);

const accepted = (token: string): { hash: string; expiresAt: null } => ({
  hash: hashToken(token),
  expiresAt: null,
});
const body = async (guard: Guard, url: string): Promise<unknown> => {
  const verdict = await guard.judge(requestOf("GET", url));
  return verdict.kind === "pass" ? undefined : JSON.parse(verdict.body);
};

describe("at its start, a guard with a control plane", () => {
  it("accepts no credential before the first answer, and says what it waits for", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    const late = Promise.withResolvers<Response>();
    plane.answers.push(() => late.promise);
    await using guard = guardWith(clock, {
      fetch: plane.fetch,
      signingSecret: "s",
      publicPaths: ["/healthz"],
    });
    expect(await guard.judge(requestOf("GET", "/", { authorization: `Bearer ${TOKEN}` }))).toMatchObject({
      kind: "unavailable",
      status: 503,
      headers: { "retry-after": "2" },
    });
    const signed = signUrl("/a", { secret: "s", now: clock.now() });
    expect((await guard.judge(requestOf("GET", signed))).kind).toBe("unavailable");
    expect((await guard.judge(requestOf("GET", "/"))).kind).toBe("refused");
    expect((await guard.judge(requestOf("GET", "/healthz"))).kind).toBe("pass");
    expect(await body(guard, "/.well-known/atlas/ready")).toEqual({
      computeId: COMPUTE_ID,
      status: "starting",
      waitingFor: "control-plane",
    });
    late.resolve(Response.json({ ...plane.facts, now: clock.now().toISOString() }));
    await clock.advance(0);
    expect(await call(guard)).toBe("pass");
    expect(await body(guard, "/.well-known/atlas/ready")).toEqual({ computeId: COMPUTE_ID, status: "ready" });
  });

  it("tries after 1, 2, 4, 8 and then every 15 seconds", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    plane.answers.push(...Array.from({ length: 7 }, () => () => new Response(null, { status: 503 })));
    await using guard = guardWith(clock, { fetch: plane.fetch });
    await clock.advance(60);
    expect(plane.times()).toEqual([0, 1, 3, 7, 15, 30, 45, 60]);
    expect(await call(guard)).toBe("pass");
  });

  it("never accepts a token that was revoked before its restart", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    plane.facts.hashes = [];
    await using guard = guardWith(clock, { fetch: plane.fetch, signs: ["heartbeats"] });
    expect(await call(guard)).toBe("unavailable");
    await clock.advance(0);
    const verdict = call(guard);
    await clock.advance(5);
    expect(await verdict).toBe("refused");
  });

  it.each([
    ["of another compute", { computeId: "atlascompute00000000" }],
    ["without hashes", { hashes: undefined }],
    ["with a malformed hash", { hashes: [{ hash: "x", expiresAt: null }] }],
    ["without a generation", { generation: undefined }],
    ["without a time", { now: undefined }],
    ["without a deadline", { deadline: undefined }],
  ])("believes no answer %s", async (_what, change) => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    const answer = { ...plane.facts, now: clock.now().toISOString(), ...change };
    plane.answers.push(() => Response.json(answer));
    await using guard = guardWith(clock, { fetch: plane.fetch });
    await clock.advance(0);
    expect(await call(guard)).toBe("unavailable");
  });

  it("reads at most 64 KB of an answer after decompression, and follows no redirect with its credential", async () => {
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url);
      if (request.url?.startsWith("/redirect"))
        return response.writeHead(302, { location: "/elsewhere" }).end();
      const huge = gzipSync(Buffer.alloc(20 * 2 ** 20, " "));
      return response.writeHead(200, { "content-encoding": "gzip" }).end(huge);
    });
    const port = await start(server);
    const outcome = (path: string): Promise<unknown> => {
      const access = { url: `http://127.0.0.1:${port}${path}`, podToken: "t" };
      const client = createControlPlaneClient(access, { fetch, clock: systemClock });
      return client.heartbeat({ signs: [] }, new AbortController().signal);
    };
    expect(await outcome("/huge")).toEqual({ kind: "unreachable", why: "BodyTooLong" });
    expect(await outcome("/redirect")).toMatchObject({ kind: "unreachable" });
    expect(asked).not.toContain("/elsewhere");
    server.closeAllConnections();
    server.close();
  });
});

describe("by time, a guard", () => {
  it("asks every 45 to 60 seconds without any traffic, so that a revocation ends a token within a minute", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch, signs: ["heartbeats"] });
    await clock.advance(600);
    const times = plane.times();
    const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(times.length).toBeGreaterThan(9);
    for (const seconds of pauses) expect(seconds >= 45 && seconds <= 60).toBe(true);
    plane.facts.hashes = [];
    plane.facts.revision += 1;
    await clock.advance(60);
    const verdict = call(guard);
    await clock.advance(5);
    expect(await verdict).toBe("refused");
  });

  it("keeps its list through an outage, whose expiries run on", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    plane.facts.hashes = [
      { hash: hashToken(TOKEN), expiresAt: new Date(clock.now().getTime() + 90_000).toISOString() },
    ];
    await using guard = guardWith(clock, { fetch: plane.fetch, signs: ["heartbeats"] });
    await clock.advance(0);
    plane.answers.push(...Array.from({ length: 100 }, () => () => new Response(null, { status: 503 })));
    await clock.advance(89);
    expect(await call(guard)).toBe("pass");
    await clock.advance(1);
    const verdict = call(guard);
    await clock.advance(5);
    expect(await verdict).toBe("unavailable");
  });

  it("takes no answer that is older than the last one", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    plane.facts.revision = 7;
    await using guard = guardWith(clock, { fetch: plane.fetch, signs: ["heartbeats"] });
    await clock.advance(0);
    plane.facts.revision = 6;
    plane.facts.hashes = [];
    await clock.advance(120);
    expect(await call(guard)).toBe("pass");
  });

  it("ends links and signed URLs with their generation", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch, signingSecret: "test-secret" });
    await clock.advance(0);
    const signed = (secret: string): string => signUrl("/a", { secret, now: clock.now() });
    const judged = async (url: string): Promise<string> => (await guard.judge(requestOf("GET", url))).kind;
    expect(await judged(signed("test-secret"))).toBe("pass");
    plane.facts.generation = 1;
    await clock.advance(60);
    expect(await judged(signed("test-secret"))).toBe("refused");
    expect(await judged(signed(generationSecret("test-secret", 1)))).toBe("pass");
  });

  it("logs once that its clock differs, and not again until it has agreed", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    const lines: string[] = [];
    const wrong = (): Response =>
      Response.json({ ...plane.facts, now: new Date(clock.now().getTime() + 45_000).toISOString() });
    plane.answers.push(wrong, wrong, wrong);
    await using _guard = guardWith(clock, { fetch: plane.fetch, log: (line) => lines.push(line) });
    await clock.advance(200);
    expect(lines).toEqual(["The clock of this pod differs from the control plane's by 45 s."]);
  });

  it("tells the program of each planned end once", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    const endings: unknown[] = [];
    await using _guard = guardWith(clock, { fetch: plane.fetch, onEnding: (ending) => endings.push(ending) });
    await clock.advance(60);
    const first = { at: "2026-01-01T01:00:00.000Z", reason: "idle" };
    const second = { ...first, at: "2026-01-01T02:00:00.000Z" };
    plane.facts.ending = first;
    await clock.advance(300);
    plane.facts.ending = second;
    await clock.advance(300);
    expect(endings).toEqual([first, second]);
  });
});

describe("a token that the list does not have", () => {
  it("works at its first use after a rotation", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch });
    await clock.advance(10);
    const { token } = mintToken();
    plane.facts.hashes = [accepted(token)];
    plane.facts.revision += 1;
    const verdict = call(guard, token);
    await clock.advance(0);
    expect(await verdict).toBe("pass");
  });

  it("causes one question for all requests that wait, and questions at least 2 seconds apart", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch });
    await clock.advance(10);
    const flood = (): Promise<string>[] => Array.from({ length: 30 }, () => call(guard, mintToken().token));
    const verdicts = [...flood(), ...flood()];
    await clock.advance(1);
    verdicts.push(...flood());
    await clock.advance(10);
    expect(new Set(await Promise.all(verdicts))).toEqual(new Set(["refused"]));
    expect(plane.times({ signs: [] }).filter((at) => at >= 10)).toEqual([10, 12]);
  });

  it("is refused at once for 10 seconds after it was unknown", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch });
    await clock.advance(10);
    const { token } = mintToken();
    const first = call(guard, token);
    await clock.advance(1);
    expect(await first).toBe("refused");
    const asked = plane.times().length;
    const again = guard.judge(requestOf("GET", "/", { authorization: `Bearer ${token}` }));
    expect(again).not.toBeInstanceOf(Promise);
    expect(plane.times()).toHaveLength(asked);
    plane.facts.hashes.push(accepted(token));
    await clock.advance(10);
    const last = call(guard, token);
    await clock.advance(5);
    expect(await last).toBe("pass");
  });

  it("gets 503 beyond 64 waiting requests, and when there is no answer in 5 seconds", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch });
    await clock.advance(10);
    plane.answers.push(() => new Promise<Response>(() => {}));
    const waiting = Array.from({ length: 64 }, () => call(guard, mintToken().token));
    expect(await call(guard, mintToken().token)).toBe("unavailable");
    await clock.advance(5);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["unavailable"]));
  });

  it("of another form is refused without a question", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch });
    await clock.advance(10);
    const asked = plane.times().length;
    for (const token of ["short", `-${TOKEN.slice(1)}`, `${TOKEN}x`])
      expect(guard.judge(requestOf("GET", "/", { authorization: `Bearer ${token}` }))).toMatchObject({
        kind: "refused",
      });
    expect(plane.times()).toHaveLength(asked);
  });

  it("is simply wrong without a control plane", () => {
    const guard = createGuard({ presharedKey: TOKEN, env: {} });
    expect(
      guard.judge(requestOf("GET", "/", { authorization: `Bearer ${mintToken().token}` })),
    ).toMatchObject({
      kind: "refused",
      headers: { "x-atlas-refusal": "1" },
    });
  });
});

describe("a pod that its control plane rejects", () => {
  it("accepts nothing after a second rejection, a minute later", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch, signs: ["heartbeats"] });
    await clock.advance(0);
    plane.answers.push(rejection, rejection);
    await clock.advance(60);
    expect(await call(guard)).toBe("pass");
    await clock.advance(60);
    expect(await call(guard)).toBe("refused");
    await clock.advance(60);
    expect(await call(guard)).toBe("pass");
  });

  it("takes neither a login's 401, nor another service's 429 for an answer", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    const strangers = [
      () => new Response("<html>sign in", { status: 401 }),
      () => Response.json({ code: "UNAUTHORIZED" }, { status: 401 }),
      () => new Response("slow down", { status: 429 }),
      () => new Response(null, { status: 404 }),
      () => new Response("a parked page"),
    ];
    plane.answers.push(...strangers);
    await using guard = guardWith(clock, { fetch: plane.fetch });
    await clock.advance(14);
    expect(await call(guard)).toBe("unavailable");
    await clock.advance(20);
    expect(await call(guard)).toBe("pass");
  });
});
