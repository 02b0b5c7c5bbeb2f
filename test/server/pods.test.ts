import { describe, expect, test } from "vitest";
import { heartbeatAnswerSchema } from "../../src/guard/life/heartbeat.ts";
import { routes } from "../../src/server/routes.ts";
import type { ComputeEvent } from "../../src/store.ts";
import { bearer, type CallOptions, jsonOf, type PlaneUnderTest, type Pod, planeUnderTest } from "./plane.ts";

function report(plane: PlaneUnderTest, { podToken }: Pod, kind: string, body: unknown): Promise<Response> {
  return plane.clock.settle(plane.call("POST", `/pod/${kind}`, { headers: bearer(podToken), body }));
}

async function beat(plane: PlaneUnderTest, pod: Pod): Promise<Record<string, unknown>> {
  const answer = await jsonOf(report(plane, pod, "heartbeat", { signs: ["requests", "sockets"] }));
  expect(heartbeatAnswerSchema.safeParse(answer).success).toBe(true);
  return answer;
}

async function eventsOf({ atlas }: PlaneUnderTest, { compute }: Pod): Promise<readonly ComputeEvent[]> {
  return Array.fromAsync(atlas.events(compute.id, { follow: false }));
}

describe("a heartbeat", () => {
  test("is a sign of life, on the compute and among its events", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    await plane.clock.advance(600);
    await plane.clock.settle(plane.atlas.reap());
    const before = (await plane.atlas.getCompute(pod.compute.id)).idleDeadline;
    await plane.clock.advance(300);
    await beat(plane, pod);
    const compute = await plane.atlas.getCompute(pod.compute.id);
    expect((compute.idleDeadline?.getTime() ?? 0) - (before?.getTime() ?? 0)).toBe(300_000);
    const at = plane.clock.now().toISOString();
    expect(compute.reports).toEqual({ heartbeat: { signs: ["requests", "sockets"], at } });
    expect((await eventsOf(plane, pod)).at(-1)).toMatchObject({
      type: "report",
      data: { kind: "heartbeat", signs: ["requests", "sockets"] },
    });
  });

  test("returns the hash of the user's token, and the compute's deadline", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn("ada", { maxLifetimeSeconds: 3600 });
    expect(await beat(plane, pod)).toEqual({
      computeId: pod.compute.id,
      revision: expect.any(Number),
      hashes: [{ hash: pod.compute.auth?.hash, expiresAt: null }],
      generation: 0,
      deadline: new Date(plane.clock.now().getTime() + 3_600_000).toISOString(),
      now: plane.clock.now().toISOString(),
    });
    expect(await beat(plane, await plane.spawn("bob", { maxLifetimeSeconds: null }))).toMatchObject({
      deadline: null,
    });
  });

  test("returns both hashes while a token is rotated, then the new one, then none", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    const { hash } = await plane.atlas.rotateToken(pod.compute.id, { overlapSeconds: 60 });
    const overlapEnd = new Date(plane.clock.now().getTime() + 60_000).toISOString();
    expect((await beat(plane, pod)).hashes).toEqual([
      { hash: pod.compute.auth?.hash, expiresAt: overlapEnd },
      { hash, expiresAt: null },
    ]);
    await plane.clock.advance(60);
    expect((await beat(plane, pod)).hashes).toEqual([{ hash, expiresAt: null }]);
    await plane.atlas.revokeToken(pod.compute.id);
    expect((await beat(plane, pod)).hashes).toEqual([]);
  });

  test("returns no hashes to a pod without tokens", async () => {
    const plane = planeUnderTest();
    const pods = [
      await plane.spawn("ada", { auth: "none" }),
      await plane.spawn("ada", { auth: "signed-url" }),
    ];
    for (const pod of pods) expect(await beat(plane, pod)).toMatchObject({ hashes: [] });
  });

  test("raises the generation with a revocation, and the revision with every change", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    const before = await beat(plane, pod);
    await plane.atlas.revokeToken(pod.compute.id);
    const after = await beat(plane, pod);
    expect(after).toMatchObject({ generation: 1, hashes: [] });
    expect(Number(after.revision)).toBeGreaterThan(Number(before.revision));
  });

  test("without signs is a question: it writes nothing, and has a rate of its own", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    const ask = (): Promise<Response> => report(plane, pod, "heartbeat", { signs: [] });
    const before = await plane.store.get("default", pod.compute.id);
    expect(await jsonOf(ask())).toMatchObject({ computeId: pod.compute.id, generation: 0 });
    expect((await plane.store.get("default", pod.compute.id))?.record).toEqual(before?.record);
    const statuses = await Promise.all(Array.from({ length: 30 }, async () => (await ask()).status));
    expect(statuses.filter((status) => status === 429)).toHaveLength(11);
    expect((await report(plane, pod, "heartbeat", { signs: ["requests"] })).status).toBe(200);
  });

  test("tells a terminating pod to end itself when the provider does not end it", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    plane.provider.script("terminate", "error-before");
    await plane.clock.settle(plane.atlas.terminate(pod.compute.id));
    expect(await beat(plane, pod)).toMatchObject({ hashes: [], deadline: plane.clock.now().toISOString() });
  });
});

describe("a report", () => {
  const bodies = {
    status: { status: "loading", detail: "layer 3 of 7" },
    "gpu-health": { gpus: [{ index: 0, healthy: true, name: "H100", memoryUsedMb: 7 }] },
    metrics: { metrics: { "tokens/s": 41.5 } },
    logs: { lines: ["one", "two"] },
  };

  test.each(Object.entries(bodies))(
    "of %s stays on the compute until the next, and is an event",
    async (kind, body) => {
      const plane = planeUnderTest();
      const pod = await plane.spawn();
      expect((await report(plane, pod, kind, body)).status).toBe(204);
      const at = plane.clock.now().toISOString();
      const { reports, idleDeadline } = await plane.atlas.getCompute(pod.compute.id);
      expect(reports).toEqual({ [kind]: { ...body, at } });
      expect(idleDeadline).toEqual(pod.compute.idleDeadline);
      expect((await eventsOf(plane, pod)).at(-1)?.data).toEqual({ kind, ...body });
      const headers = { cookie: "session=ada" };
      const shown = await jsonOf(plane.call("GET", `/computes/${pod.compute.id}`, { headers }));
      expect(shown.reports).toEqual({ [kind]: { ...body, at } });
    },
  );

  test("that is large appears among the events by its size", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    const lines = Array.from({ length: 1000 }, (_, index) => `line ${index} of a long tale`);
    expect((await report(plane, pod, "logs", { lines })).status).toBe(204);
    const bytes = JSON.stringify({ lines }).length;
    expect((await eventsOf(plane, pod)).at(-1)?.data).toEqual({ kind: "logs", bytes });
    const { reports } = await plane.atlas.getCompute(pod.compute.id);
    expect(reports.logs).toMatchObject({ lines });
  });

  test("cannot name another compute, whatever its body says", async () => {
    const plane = planeUnderTest();
    const [mine, other] = [await plane.spawn("ada"), await plane.spawn("bob")];
    const attempts: readonly [string, CallOptions][] = [
      ["/pod/status", { body: { status: "x", computeId: other.compute.id } }],
      [`/pod/status?computeId=${other.compute.id}`, { body: { status: "x" } }],
      ["/pod/status", { body: { status: "x" }, headers: { "x-compute-id": other.compute.id } }],
    ];
    for (const [path, { headers, body }] of attempts)
      await plane.call("POST", path, { body, headers: { ...headers, ...bearer(mine.podToken) } });
    expect((await plane.atlas.getCompute(other.compute.id)).reports).toEqual({});
  });

  test("keeps none of the secrets that a program prints", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    const env = plane.provider.instances[0]?.env ?? {};
    const secrets = [env.ATLAS_PRESHARED_KEY, env.ATLAS_POD_TOKEN, env.ATLAS_SIGNING_SECRET].map(String);
    const lines = [
      ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
      JSON.stringify(env),
      `the key is ${pod.token}, keep it`,
      ...secrets,
      ...secrets.map((secret) => Buffer.from(secret).toString("base64")),
      ...secrets.map((secret) => Buffer.from(secret).toString("hex").toUpperCase()),
      `cut off: ${pod.podToken.slice(0, 30)}`,
      Buffer.from(`user:${pod.podToken}`).toString("base64url"),
      `> authorization: Bearer ${pod.token}`,
      `GET ${pod.compute.signUrl(8000, "/a")} 200`,
    ];
    await report(plane, pod, "logs", { lines });
    await report(plane, pod, "status", { status: "ready", detail: lines.join("\n").slice(0, 4000) });
    const kept = JSON.stringify([
      await plane.store.get("default", pod.compute.id),
      await eventsOf(plane, pod),
    ]);
    for (const secret of secrets) {
      expect(kept).not.toContain(secret);
      expect(kept).not.toContain(Buffer.from(secret).toString("base64").replace(/=+$/, ""));
      expect(kept.toLowerCase()).not.toContain(Buffer.from(secret).toString("hex"));
    }
    expect(kept).not.toContain(pod.podToken.slice(0, 30));
    expect(kept).not.toContain(Buffer.from(`user:${pod.podToken}`).toString("base64url"));
    expect(kept).not.toMatch(/sig=[\w-]{20}/);
    expect(kept).toContain(pod.compute.id);
  });

  test("loses the characters that a database refuses", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    await report(plane, pod, "logs", { lines: ["a\0b", "lone \ud800 surrogate"] });
    const { reports } = await plane.atlas.getCompute(pod.compute.id);
    expect(reports.logs).toMatchObject({ lines: ["a\ufffdb", "lone \ufffd surrogate"] });
  });

  test("is redacted in linear time, whatever its content", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    const evil = [
      "Bearer ".repeat(8000),
      "x".repeat(60_000),
      "ATLAS_POD_TOKEN= ".repeat(3000),
      "?sig=".repeat(12_000),
      "\\".repeat(60_000).slice(0, 30_000),
      "%25".repeat(20_000),
    ];
    for (const line of evil) expect((await report(plane, pod, "logs", { lines: [line] })).status).toBe(204);
  });
});

describe("a pod that sends too many reports", () => {
  const limited = routes.filter(({ credential }) => credential === "pod");

  test.each(limited.map((route) => [route.path, route] as const))(
    "%s is told when to come back, and may then",
    async (path, { rate }) => {
      const plane = planeUnderTest();
      const [pod, other] = [await plane.spawn("ada"), await plane.spawn("bob")];
      const send = ({ podToken }: Pod): Promise<Response> =>
        plane.call("POST", path, { headers: bearer(podToken), body: {} });
      const burst = rate?.burst ?? 0;
      for (let call = 0; call < burst; call += 1) expect((await send(pod)).status).toBe(422);
      const refused = await send(pod);
      expect([refused.status, (await jsonOf(refused)).code]).toEqual([429, "RATE_LIMIT"]);
      expect((await send(other)).status).toBe(422);
      await plane.clock.advance(Number(refused.headers.get("retry-after")));
      expect((await send(pod)).status).toBe(422);
      expect((await send(pod)).status).toBe(429);
    },
  );

  test("one route does not limit another", async () => {
    const plane = planeUnderTest();
    const pod = await plane.spawn();
    for (let call = 0; call < 30; call += 1) await report(plane, pod, "logs", { lines: ["x"] });
    expect((await report(plane, pod, "heartbeat", { signs: ["requests"] })).status).toBe(200);
  });
});
