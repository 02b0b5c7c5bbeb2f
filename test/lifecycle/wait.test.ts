import { describe, expect, it } from "vitest";
import { AtlasError } from "../../src/errors.ts";
import { createAtlas, memoryStore } from "../../src/index.ts";
import { READINESS_PATH } from "../../src/internal/readiness.ts";
import type { Progress } from "../../src/lifecycle/context.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import type { Store } from "../../src/store.ts";
import { intercept, storeMethods } from "../support/intercept.ts";
import { failureOf, scene } from "../support/scene.ts";

/** Answers only to the token, as a guard does. */
function guard(token: string | undefined, id?: () => string): (request: Request) => Response {
  return (request) => {
    if (new URL(request.url).pathname === READINESS_PATH)
      return Response.json({ computeId: id?.() ?? null, status: "ready" });
    const isAccepted = request.headers.get("authorization") === `Bearer ${token}`;
    return new Response("", { status: isAccepted ? 200 : 401, headers: { "www-authenticate": "Bearer" } });
  };
}

describe("waitUntilReady", () => {
  it("waits for the instance, then for its port, and tells phase and time", async () => {
    const { spawn, settle, provider, clock, record } = scene({ mock: { bootSeconds: 20 } });
    const begin = clock.now().getTime();
    provider.respond(() => new Response("", { status: clock.now().getTime() - begin < 30_000 ? 502 : 200 }));
    const compute = await spawn({ ports: [8000] });
    const steps: Progress[] = [];
    expect(await settle(compute.waitUntilReady({ onProgress: (step) => steps.push(step) }))).toBe(compute);
    expect(compute.status).toBe("running");
    expect((await record(compute.id)).status).toBe("running");
    expect([...new Set(steps.map(({ phase }) => phase))]).toEqual(["provisioning", "starting", "ready"]);
    expect(steps.find(({ phase }) => phase === "starting")).toMatchObject({
      ...{
        computeId: compute.id,
        provider: "mock",
        message: "port 8000 answers 502, which a proxy may answer",
      },
    });
    const times = steps.map(({ elapsedSeconds }) => elapsedSeconds);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBeGreaterThanOrEqual(30);
    expect(times.at(-1)).toBeLessThan(34);
  });

  it.each([0, 5])(
    "outlives a restart of the database that begins after %i seconds, at whatever call",
    async (begins) => {
      const clock = manualClock();
      let down = Number.POSITIVE_INFINITY;
      const through = (store: Store): Store =>
        intercept(store, storeMethods, () => {
          const time = clock.now().getTime() / 1000;
          if (time >= down && time < down + 20) throw new AtlasError("STORE_UNAVAILABLE", "it restarts");
        });
      const { spawn, settle, alive } = scene({ clock, through, mock: { bootSeconds: 15 } });
      await using compute = await spawn();
      down = clock.now().getTime() / 1000 + begins;
      expect((await settle(compute.waitUntilReady())).status).toBe("running");
      expect(alive()).toHaveLength(1);
    },
  );

  it("ends at once when the store cannot answer ever again", async () => {
    let isClosed = false;
    const through = (store: Store): Store =>
      intercept(store, ["get"], () => {
        if (isClosed) throw new AtlasError("STORE_UNAVAILABLE", "it was closed", { retryable: false });
      });
    const { spawn, failure, clock } = scene({ through });
    const compute = await spawn();
    const begin = clock.now().getTime();
    isClosed = true;
    expect(await failure(compute.waitUntilReady())).toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(clock.now().getTime()).toBe(begin);
  });

  it("writes when there is something new, and else only every ten seconds to keep the reaper away, however often it asks", async () => {
    const { spawn, settle, provider, record } = scene({ mock: { bootSeconds: 60 } });
    const compute = await spawn({ ports: [8000] });
    const before = (await record(compute.id)).version;
    await settle(compute.waitUntilReady());
    expect(provider.calls.filter(({ operation }) => operation === "get").length).toBeGreaterThan(10);
    expect((await record(compute.id)).version).toBeLessThanOrEqual(before + 9);
  });

  it("is over as soon as it runs when no http port was asked for", async () => {
    const { spawn, settle } = scene();
    expect((await settle((await spawn({ ports: ["22/tcp"] })).waitUntilReady())).status).toBe("running");
  });

  it("takes any answer of the pod's own without a path, and only a success with one", async () => {
    const { spawn, settle, provider, failure } = scene();
    provider.respond(({ url }) => new Response(null, { status: url.endsWith("/healthz") ? 204 : 404 }));
    const compute = await spawn({ ports: [8000], auth: "none" });
    await settle(compute.waitUntilReady());
    await settle(compute.waitUntilReady({ path: "/healthz" }));
    expect(await failure(compute.waitUntilReady({ path: "/other", timeoutSeconds: 5 }))).toMatchObject({
      ...{ code: "TIMEOUT", message: expect.stringContaining("port 8000 answers 404") },
    });
  });

  it("shows the guard the token it has; without one, the guard's refusal is an answer", async () => {
    const { spawn, settle, provider, atlas } = scene();
    const compute = await spawn({ ports: [8000] });
    provider.respond(guard(compute.auth?.token, () => compute.id));
    await settle(compute.waitUntilReady({ path: "/healthz" }));
    const read = await atlas.getCompute(compute.id);
    await settle(read.waitUntilReady({ path: "/healthz" }));
    expect(read.status).toBe("running");
  });

  it("does not take a refusal for an answer where it has the token, or where nothing is guarded", async () => {
    const { spawn, provider, failure } = scene();
    for (const auth of ["bearer", "none"] as const) {
      const compute = await spawn({ ports: [8000], auth });
      provider.respond(guard("another", () => compute.id));
      expect(await failure(compute.waitUntilReady({ path: "/", timeoutSeconds: 3 }))).toMatchObject({
        code: "TIMEOUT",
      });
    }
  });

  it("asks the port it is told", async () => {
    const { spawn, settle, provider } = scene();
    const asked: string[] = [];
    provider.respond(({ url }) => {
      asked.push(url);
      return new Response();
    });
    await settle((await spawn({ ports: [8000, 9000] })).waitUntilReady({ port: 9000, path: "/metrics" }));
    expect(asked.at(-1)).toBe("https://mock-1-9000.mock.invalid/metrics");
    expect(new Set(asked.map((url) => new URL(url).host))).toEqual(new Set(["mock-1-9000.mock.invalid"]));
  });

  it.each([
    [{ port: 80 }, "port 80"],
    [{ path: "healthz" }, "path"],
    [{ timeoutSeconds: 0 }, "timeoutSeconds"],
    [{ timeout: 5 }, "timeout"],
    [{ signal: 1 }, "signal"],
  ])("refuses %o before it asks anybody", async (options, named) => {
    const { spawn, failure, provider } = scene({ mock: { bootSeconds: 60 } });
    const compute = await spawn({ ports: [8000] });
    const calls = provider.calls.length;
    const error = await failure(compute.waitUntilReady(options as never));
    expect(error).toMatchObject({ code: "VALIDATION", message: expect.stringContaining(named) });
    expect(provider.calls).toHaveLength(calls);
  });

  it("fails with TIMEOUT, the id and the last log lines, and leaves the compute running", async () => {
    const { spawn, failure, provider, record, clock } = scene();
    provider.respond(() => new Response("", { status: 503 }));
    const compute = await spawn({ ports: [8000] });
    for (let line = 1; line <= 30; line += 1) provider.log("mock-1", `line ${line}`);
    provider.log("mock-1", `started with ${compute.auth?.token}`);
    const begin = clock.now().getTime();
    const error = await failure(compute.waitUntilReady({ timeoutSeconds: 42 }));
    expect(clock.now().getTime() - begin).toBe(42_000);
    expect(error).toMatchObject({ code: "TIMEOUT", computeId: compute.id, provider: "mock" });
    const logs = error.details?.logs;
    expect(logs).toHaveLength(20);
    expect(logs).toContain("line 30");
    expect(logs).toContain("started with [redacted]");
    expect(error.message).toContain("line 30\nstarted with [redacted]");
    expect((await record(compute.id)).status).toBe("running");
  });

  it("waits as long as a boot may take where nothing else is said, and the reaper ends it then", async () => {
    const { spawn, failure, clock, reap, record } = scene({
      mock: { bootSeconds: 10_000, bootTimeoutSeconds: 120 },
    });
    const compute = await spawn();
    expect(await failure(compute.waitUntilReady())).toMatchObject({
      ...{
        code: "TIMEOUT",
        message: expect.stringContaining("not ready after 120 seconds (mock says provisioning)"),
      },
    });
    await clock.advance(1);
    expect((await reap()).terminated).toMatchObject([{ reason: "boot_timeout" }]);
    expect(await record(compute.id)).toMatchObject({ status: "terminated", reason: "boot_timeout" });
  });

  it("fails at once with BOOT_FAILED and the last log lines when the boot failed, and ends the instance", async () => {
    const { spawn, failure, provider, record, alive } = scene({ mock: { bootSeconds: 10 } });
    provider.script("create", { fault: "boot-failure", message: "no such image" });
    const compute = await spawn({ ports: [8000] });
    provider.log("mock-1", "pulling");
    const error = await failure(compute.waitUntilReady());
    expect(error).toMatchObject({
      code: "BOOT_FAILED",
      computeId: compute.id,
      details: { logs: expect.any(Array) },
    });
    expect(error.message).toContain("no such image");
    expect(await record(compute.id)).toMatchObject({ status: "terminated", reason: "failed" });
    expect(alive()).toEqual([]);
  });

  it("fails with BOOT_FAILED when the instance vanished or a caller ended the compute", async () => {
    const { spawn, failure, provider, atlas, clock, settle } = scene({ mock: { bootSeconds: 100 } });
    const vanished = await spawn();
    provider.vanish("mock-1");
    expect(await failure(vanished.waitUntilReady())).toMatchObject({
      code: "BOOT_FAILED",
      message: expect.stringContaining("gone"),
    });
    const ended = await spawn();
    const waiting = failureOf(ended.waitUntilReady());
    await clock.advance(5);
    await atlas.terminate(ended.id);
    expect(await settle(waiting)).toMatchObject({ code: "BOOT_FAILED", computeId: ended.id });
  });

  it("does not bring back a compute that is ended while it looks", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    let meanwhile = async (): Promise<unknown> => undefined;
    const looking = intercept(provider, ["get"], () => meanwhile());
    const { spawn, failure, record, store } = scene({
      clock,
      providers: [looking],
      store: memoryStore({ clock }),
    });
    const compute = await spawn();
    provider.script("terminate", { fault: "ignored", times: 2 });
    const other = createAtlas({ providers: [provider], store, clock });
    meanwhile = () => other.terminate(compute.id);
    expect(await failure(compute.waitUntilReady())).toMatchObject({ code: "BOOT_FAILED" });
    expect(await record(compute.id)).toMatchObject({ status: "terminating", reason: "requested" });
  });

  it("is a CONFLICT for a stopped compute", async () => {
    const { spawn, settle, failure, atlas } = scene();
    const compute = await spawn();
    await settle(compute.waitUntilReady());
    await settle(atlas.stop(compute.id));
    expect(await failure(compute.waitUntilReady())).toMatchObject({
      code: "CONFLICT",
      message: expect.stringContaining("start it first"),
    });
  });

  it("throws the signal's reason at once where it aborts between two looks", async () => {
    const { spawn } = scene({ mock: { bootSeconds: 100, latencySeconds: 1 } });
    const compute = await spawn({ ports: [8000] });
    const abort = new AbortController();
    const onProgress = (): void => abort.abort("enough");
    // The clock stands still: a wait for the next look would not end.
    await expect(compute.waitUntilReady({ signal: abort.signal, onProgress })).rejects.toBe("enough");
  });

  it("throws the signal's reason, in every phase", async () => {
    for (const seconds of [0, 5, 45]) {
      const { spawn, settle, provider, clock, alive } = scene({
        mock: { bootSeconds: 20, latencySeconds: 1 },
      });
      provider.respond(() => new Response("", { status: 502 }));
      const compute = await spawn({ ports: [8000] });
      const abort = new AbortController();
      void clock.sleep(seconds * 1000).then(() => abort.abort("enough"));
      await expect(settle(compute.waitUntilReady({ signal: abort.signal }))).rejects.toBe("enough");
      expect(alive()).toHaveLength(1);
    }
  });

  it("goes on while the provider does not answer, and stops at once where the key is bad", async () => {
    const { spawn, settle, provider, failure } = scene({ mock: { bootSeconds: 5 } });
    const compute = await spawn();
    provider.script(
      "get",
      "timeout-before",
      "error-before",
      "malformed",
      "rate-limit",
      "connection-before",
      "hang",
      "not-an-error",
    );
    await settle(compute.waitUntilReady());
    provider.script("get", "bad-key");
    expect(await failure(compute.waitUntilReady())).toMatchObject({ code: "AUTH_ERROR" });
  });

  it("tells the last failure when the time is over", async () => {
    const { spawn, provider, failure } = scene();
    const compute = await spawn();
    provider.script("get", { fault: "error-before", times: Number.POSITIVE_INFINITY });
    const error = await failure(compute.waitUntilReady({ timeoutSeconds: 10 }));
    expect(error).toMatchObject({ code: "TIMEOUT", message: expect.stringContaining("it answered 500") });
  });

  it("does not take an instance that is not listed yet for gone", async () => {
    const { spawn, settle } = scene({ mock: { listLagSeconds: 10 } });
    expect((await settle((await spawn()).waitUntilReady())).status).toBe("running");
  });

  it("needs the store", async () => {
    let isUp = true;
    const { spawn, failure } = scene({
      through: (store) =>
        intercept(store, ["get"], () => {
          if (!isUp) throw new AtlasError("STORE_UNAVAILABLE", "the store is down");
        }),
    });
    const compute = await spawn();
    isUp = false;
    expect(await failure(compute.waitUntilReady())).toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it("asks a pod that does not answer again, and is not fooled by a connection that fails", async () => {
    let times = 0;
    const fetch = async (): Promise<Response> => {
      times += 1;
      if (times < 4)
        throw new TypeError("fetch failed", {
          cause: Object.assign(new Error("no"), { code: "ECONNREFUSED" }),
        });
      return new Response();
    };
    const { spawn, settle } = scene({ fetch: fetch as typeof globalThis.fetch });
    const messages: string[] = [];
    const compute = await spawn({ ports: [8000] });
    await settle(compute.waitUntilReady({ onProgress: ({ message }) => messages.push(message) }));
    expect(times).toBeGreaterThanOrEqual(4);
    expect(messages).toContain("port 8000 does not answer yet (ECONNREFUSED)");
  });
});
