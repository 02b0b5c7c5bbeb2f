import { describe, expect, it } from "vitest";
import { createAtlas, memoryStore } from "../../src/index.ts";
import { admit } from "../../src/lifecycle/looks/budget.ts";
import type { Provider } from "../../src/provider.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import { type Scene, scene } from "../support/scene.ts";

/** A scene on a provider that may be asked every 3 seconds, 60 times a minute. */
function strictScene(bootSeconds: number): Scene {
  const clock = manualClock();
  const strict = Object.assign(mock({ clock, bootSeconds }), {
    lookSeconds: 3,
    budget: { perMinute: 60, burst: 60 },
  });
  const set = scene({ clock, providers: [strict] });
  return {
    ...set,
    provider: strict,
    count: (of) => strict.calls.filter((call) => call.operation === of).length,
  };
}

describe("looks", () => {
  it("follow while a page reads events, so that it learns of a boot within seconds", async () => {
    const { spawn, atlas, clock } = strictScene(5);
    const { id } = await spawn();
    const seen: string[] = [];
    const abort = new AbortController();
    const reading = (async () => {
      for await (const { status } of atlas.events(id, { signal: abort.signal })) seen.push(status);
    })();
    await clock.advance(9);
    expect(seen).toEqual(["pending", "provisioning", "running"]);
    abort.abort();
    await clock.settle(reading);
  });

  it.each([1, 10, 100])(
    "cost the same for %i waiters: at most 21 requests in the first minute",
    async (waiters) => {
      const { spawn, clock, count, settle } = strictScene(3600);
      const abort = new AbortController();
      const waits: Promise<unknown>[] = [];
      for (let waiter = 0; waiter < waiters; waiter += 1) {
        const compute = await spawn();
        waits.push(compute.waitUntilReady({ signal: abort.signal }).catch(() => undefined));
      }
      const before = count("list") + count("get");
      await clock.advance(60);
      expect(count("list") + count("get") - before).toBeLessThanOrEqual(21);
      abort.abort();
      await settle(Promise.all(waits));
    },
  );

  it("read one list a pass, however many creates are uncertain", async () => {
    const { spawn, provider, clock, count, reap, failure, atlas } = scene({ timing: { lookupSeconds: 1 } });
    await spawn();
    for (let row = 0; row < 20; row += 1) {
      provider.script("create", "timeout-before");
      await failure(atlas.spawnCompute({}));
    }
    await clock.advance(700);
    expect((await reap()).settled).toEqual([]);
    await clock.advance(31);
    const before = provider.calls.length;
    const { settled } = await reap();
    expect(settled).toHaveLength(20);
    const operations = provider.calls.slice(before).map(({ operation }) => operation);
    expect(operations.filter((operation) => operation !== "account")).toEqual(["list"]);
    expect(count("terminate")).toBe(0);
  });

  it("come once after the report of a pod that is ready, and make its compute run", async () => {
    const { spawn, atlas, clock, settle, count } = strictScene(5);
    const { id } = await spawn();
    await clock.advance(6);
    const before = count("get");
    expect((await settle(atlas.recordReport(id, "status", { status: "ready" }))).status).toBe("running");
    expect(count("get") - before).toBe(1);
  });

  it("are followed by an idle time that a server cannot put off by beginning again and again", async () => {
    const { spawn, atlas, clock, settle, store } = strictScene(5);
    const { id } = await spawn();
    const times = async (kind: "status" | "heartbeat", body: Record<string, unknown>): Promise<unknown[]> => {
      await clock.advance(60);
      await settle(atlas.recordReport(id, kind, body));
      const record = (await store.get("default", id))?.record;
      return [record?.lastActiveAt, record?.answeredAt].map(
        (time) => time && (time.getTime() - start) / 60_000,
      );
    };
    const start = clock.now().getTime();
    expect(await times("status", { status: "loading" })).toEqual([1, null]);
    expect(await times("status", { status: "ready" })).toEqual([2, 2]);
    expect(await times("status", { status: "ready" })).toEqual([2, 2]);
    expect(await times("status", { status: "loading" })).toEqual([2, 2]);
    expect(await times("heartbeat", { signs: ["requests"] })).toEqual([5, 2]);
  });

  it("come after each later report as well, and for each compute", async () => {
    const { spawn, atlas, clock, settle, count } = strictScene(5);
    const { id } = await spawn();
    const second = await spawn();
    await settle(atlas.recordReport(id, "heartbeat", { signs: ["requests"] }));
    await clock.advance(6);
    const before = count("get") + count("list");
    for (const compute of [id, second.id])
      expect((await settle(atlas.recordReport(compute, "status", { status: "ready" }))).status).toBe(
        "running",
      );
    expect(count("get") + count("list") - before).toBe(2);
  });

  it("are kept apart between processes by the store", async () => {
    const set = strictScene(3600);
    const { spawn, clock, provider, store, count, settle } = set;
    const { id } = await spawn();
    const abort = new AbortController();
    const waits = [0, 1, 2].map(async () => {
      const other = createAtlas({ providers: [provider], store, clock });
      const compute = await other.getCompute(id);
      await compute.waitUntilReady({ signal: abort.signal }).catch(() => undefined);
    });
    await clock.advance(60);
    expect(count("get")).toBeLessThanOrEqual(24);
    abort.abort();
    await settle(Promise.all(waits));
  });
});

describe("a budget", () => {
  it("lets spawns and ends go before looks, and is exceeded by none", async () => {
    const clock = manualClock();
    const provider: Provider = { ...mock({ clock }), budget: { perMinute: 60, burst: 4 } };
    const done: string[] = [];
    const calls = ["list", "list", "list", "list", "list", "create", "create", "terminate"].map((method) =>
      admit(clock, provider, method).then(() => void done.push(method)),
    );
    await clock.advance(0);
    expect(done.length).toBeLessThanOrEqual(4);
    expect(done).toContain("create");
    await clock.advance(2);
    expect(done.length).toBeLessThanOrEqual(6);
    expect(done).toContain("terminate");
    await clock.settle(Promise.all(calls));
    expect(done.slice(-2)).toEqual(["list", "list"]);
  });
});

describe("a program that exits while it boots", () => {
  it("is BOOT_FAILED with its last lines, ends as exited, and tells both in its event", async () => {
    const { spawn, provider, failure, record, events, settle } = scene({ mock: { bootSeconds: 100 } });
    const compute = await spawn({ ports: [8000] });
    provider.log("mock-1", `no model for ${compute.auth?.token}`);
    const context = { signal: new AbortController().signal, requestTimeoutSeconds: 30 };
    await settle(provider.stop({ name: compute.name, providerId: "mock-1" }, context));
    const error = await failure(compute.waitUntilReady());
    expect(error).toMatchObject({ code: "BOOT_FAILED", computeId: compute.id });
    expect(error.message).toContain("no model for [redacted]");
    expect(await record(compute.id)).toMatchObject({ status: "terminated", reason: "exited" });
    const told = (await events(compute.id)).find(({ status }) => status === "terminating");
    expect(told?.data.logs).toEqual(["no model for [redacted]"]);
  });
});

describe("the log lines of a program that prints its environment", () => {
  const names = ["ATLAS_PRESHARED_KEY", "ATLAS_SIGNING_SECRET", "ATLAS_POD_TOKEN"];
  const printed = (secret: string): string[] => [
    secret,
    `'${secret}',`,
    `/ws/${secret}/x`,
    `{"key":"${secret}"}`,
    Buffer.from(secret).toString("base64url"),
    Buffer.from(secret).toString("hex"),
  ];

  it("hold none of its secrets, where they are read and in the event of a failed boot", async () => {
    const set = scene({ mock: { bootSeconds: 100 }, controlUrl: "https://app.example/atlas" });
    const { spawn, provider, failure, events, settle, atlas } = set;
    const compute = await spawn({ ports: [8000], auth: ["bearer", "signed-url"] });
    const secrets = names.map((name) => provider.instances[0]?.env[name] ?? "");
    expect(secrets.every((secret) => secret.length === 43)).toBe(true);
    for (const secret of secrets) for (const line of printed(secret)) provider.log("mock-1", line);
    provider.log("mock-1", "no model");
    const read = await settle(Array.fromAsync(atlas.logs(compute.id)));
    expect(read).toHaveLength(secrets.length * printed("").length + 1);
    expect(read.at(-1)).toMatchObject({ line: "no model", source: "container" });
    const context = { signal: new AbortController().signal, requestTimeoutSeconds: 30 };
    await settle(provider.stop({ name: compute.name, providerId: "mock-1" }, context));
    const error = await failure(compute.waitUntilReady());
    const told = (await events(compute.id)).find(({ status }) => status === "terminating");
    expect(told?.data.logs).toContain("no model");
    const shown = JSON.stringify([read, error.message, error.details, told?.data]);
    for (const secret of secrets) for (const line of printed(secret)) expect(shown).not.toContain(line);
  });
});

describe("a stop and a start", () => {
  it("leave no address behind that may be another pod's", async () => {
    const { spawn, settle, atlas, record } = scene({ mock: { bootSeconds: 5 } });
    const compute = await spawn({ ports: [8000] });
    await settle(compute.waitUntilReady());
    await settle(atlas.stop(compute.id));
    expect((await record(compute.id)).ports).toEqual([{ internal: 8000, protocol: "http" }]);
  });

  it("are not undone by an answer that is older than they are", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    const store = memoryStore({ clock });
    const lagging = Object.assign(provider, { absenceGraceSeconds: 60 });
    const { spawn, settle, atlas, reap, record } = scene({ clock, store, providers: [lagging] });
    const compute = await spawn();
    await settle(compute.waitUntilReady());
    await settle(atlas.stop(compute.id));
    lagging.script("start", "ignored");
    await settle(atlas.start(compute.id));
    await clock.advance(20);
    await reap();
    expect((await record(compute.id)).status).toBe("provisioning");
  });
});
