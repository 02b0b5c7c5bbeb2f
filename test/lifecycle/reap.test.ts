import { describe, expect, it } from "vitest";
import { AtlasError } from "../../src/errors.ts";
import { type Atlas, createAtlas, memoryStore } from "../../src/index.ts";
import type { Provider } from "../../src/provider.ts";
import { type ManualClock, type MockProvider, manualClock, mock } from "../../src/providers/mock/index.ts";
import type { SpawnRequest } from "../../src/request.ts";
import type { Store } from "../../src/store.ts";
import { intercept, interceptOnce } from "../support/intercept.ts";
import { type Scene, type SceneOptions, scene, sceneOn } from "../support/scene.ts";

/** A scene with a compute that runs. */
async function running(
  request: SpawnRequest = {},
  options: SceneOptions = {},
): Promise<Scene & { readonly id: string }> {
  const world = scene(options);
  const compute = await world.spawn({ idleTimeoutSeconds: null, maxLifetimeSeconds: null, ...request });
  await world.settle(compute.waitUntilReady());
  return { ...world, id: compute.id };
}

/** A scene with two providers, and a compute that runs on each. */
async function onTwo(request: SpawnRequest): Promise<{ world: Scene; ids: readonly [string, string] }> {
  const clock = manualClock();
  const providers = [mock({ clock }), mock({ clock, name: "second" })] as const;
  const world = scene({ clock, providers });
  const spawnRunning = async (): Promise<string> => {
    const compute = await world.spawn(request);
    await world.settle(compute.waitUntilReady());
    return compute.id;
  };
  const first = await spawnRunning();
  providers[0].script("candidates", "capacity");
  const second = await spawnRunning();
  return { world: sceneOn({ ...world, provider: providers[0] }), ids: [first, second] };
}

/** The same provider, with something that happens between the answer of its list and its use. */
function mockWithLateList(provider: MockProvider, happen: () => Promise<unknown>): MockProvider {
  return {
    ...provider,
    list: async (...call) => {
      const instances = await provider.list(...call);
      await happen();
      return instances;
    },
  };
}

describe("reap", () => {
  it("ends an idle compute, and nothing a second before", async () => {
    const { reap, clock, record, id, alive } = await running({ idleTimeoutSeconds: 900 });
    await clock.advance(899);
    expect(await reap()).toEqual({
      terminated: [],
      settled: [],
      vanished: [],
      orphans: [],
      failed: [],
      remaining: false,
    });
    await clock.advance(1);
    expect((await reap()).terminated).toEqual([
      { computeId: id, provider: "mock", providerId: "mock-1", reason: "idle" },
    ]);
    expect(await record(id)).toMatchObject({ status: "terminated", reason: "idle", dueAt: null });
    expect(alive()).toEqual([]);
  });

  it("keeps a compute that is touched in time", async () => {
    const { reap, clock, record, id, atlas } = await running({ idleTimeoutSeconds: 900 });
    for (let round = 0; round < 5; round += 1) {
      await clock.advance(800);
      await atlas.touch(id);
      await reap();
    }
    expect((await record(id)).status).toBe("running");
  });

  it("keeps a compute that is touched after it was claimed as idle", async () => {
    const clock = manualClock();
    const kept = memoryStore({ clock });
    const { target: store, before } = interceptOnce(kept, "get");
    const { atlas, reap, id, record } = await running({ idleTimeoutSeconds: 60 }, { clock, store });
    await clock.advance(60);
    const other = createAtlas({ providers: [mock({ clock })], store: kept, clock });
    before(() => other.touch(id));
    expect((await reap()).terminated).toEqual([]);
    expect(await record(id)).toMatchObject({ status: "running", lease: null });
    expect((await atlas.getCompute(id)).idleDeadline).toEqual(new Date(clock.now().getTime() + 60_000));
  });

  it("ends a compute whose lifetime is over, counted from its creation, however busy it is", async () => {
    const { reap, clock, id, atlas } = await running({ idleTimeoutSeconds: 900, maxLifetimeSeconds: 3600 });
    for (let round = 0; round < 6; round += 1) {
      await clock.advance(599);
      await atlas.touch(id);
      expect((await reap()).terminated).toEqual([]);
    }
    await clock.advance(6);
    expect((await reap()).terminated).toMatchObject([{ computeId: id, reason: "max_lifetime" }]);
  });

  it("ends a compute that does not boot in time", async () => {
    const { spawn, reap, clock, record, alive } = scene({
      mock: { bootSeconds: 1000, bootTimeoutSeconds: 600 },
    });
    const { id } = await spawn();
    await clock.advance(599);
    expect((await reap()).terminated).toEqual([]);
    await clock.advance(1);
    expect((await reap()).terminated).toMatchObject([{ computeId: id, reason: "boot_timeout" }]);
    expect(await record(id)).toMatchObject({ status: "terminated", reason: "boot_timeout" });
    expect(alive()).toEqual([]);
  });

  it("keeps a compute that booted at the last moment", async () => {
    const { spawn, reap, clock, record } = scene({ mock: { bootSeconds: 600, bootTimeoutSeconds: 600 } });
    const { id } = await spawn();
    await clock.advance(600);
    await reap();
    expect((await record(id)).status).toBe("running");
  });

  it("ends a compute that failed to boot, with the provider's message", async () => {
    const { spawn, provider, reap, clock, record, events } = scene();
    provider.script("create", { fault: "boot-failure", message: "no such image" });
    const { id } = await spawn();
    await clock.advance(301);
    expect((await reap()).terminated).toMatchObject([{ computeId: id, reason: "failed" }]);
    expect((await record(id)).reason).toBe("failed");
    expect((await events(id)).find(({ status }) => status === "terminating")?.data).toMatchObject({
      message: "no such image",
    });
  });

  it("notices a compute that vanished, and frees its limit", async () => {
    const { spawn, provider, reap, clock, record, id } = await running({}, { limits: { computes: 1 } });
    provider.vanish("mock-1");
    await clock.advance(301);
    expect((await reap()).vanished).toEqual([]);
    await clock.advance(30);
    expect((await reap()).vanished).toEqual([
      { computeId: id, provider: "mock", providerId: "mock-1", reason: "vanished" },
    ]);
    expect(await record(id)).toMatchObject({ status: "terminated", reason: "vanished" });
    expect((await spawn()).status).toBe("provisioning");
  });

  it("notices a compute that its provider still shows as terminated", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    const { get } = provider;
    const { reap, record, id } = await running({}, { clock, providers: [provider] });
    provider.get = async (reference, context) => {
      const [instance] = provider.instances;
      await get.call(provider, reference, context);
      return instance && { ...instance, raw: {}, status: "terminated" };
    };
    provider.vanish("mock-1");
    await clock.advance(301);
    expect((await reap()).vanished).toMatchObject([{ providerId: "mock-1", reason: "vanished" }]);
    expect(await record(id)).toMatchObject({ status: "terminated", reason: "vanished", lease: null });
  });

  it("finds a stopped compute, and asks each provider for one list a pass", async () => {
    const world = await running();
    for (let more = 0; more < 5; more += 1) {
      const compute = await world.spawn({ idleTimeoutSeconds: null });
      await world.settle(compute.waitUntilReady());
    }
    await world.clock.advance(301);
    const before = world.provider.calls.length;
    await world.reap();
    expect(world.provider.calls.slice(before).map(({ operation }) => operation)).toEqual(["list", "account"]);
  });

  it("does at most as much as it is told, longest due first, and says that more is left", async () => {
    const { spawn, reap, clock, settle, records } = scene();
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const compute = await spawn({ idleTimeoutSeconds: 60, maxLifetimeSeconds: null });
      await settle(compute.waitUntilReady());
      ids.push(compute.id);
      await clock.advance(1);
    }
    await clock.advance(60);
    const first = await reap({ limit: 2 });
    expect([first.terminated.map(({ computeId }) => computeId), first.remaining]).toEqual([
      ids.slice(0, 2),
      true,
    ]);
    expect((await reap({ limit: 2 })).remaining).toBe(true);
    expect((await reap({ limit: 2 })).remaining).toBe(false);
    expect((await records()).map(({ status }) => status)).toEqual(Array(5).fill("terminated"));
  });

  it("only reports its tasks in a dry run", async () => {
    const { reap, clock, records, provider, store } = await running({ idleTimeoutSeconds: 60 });
    provider.add({ name: `atlas-default-${"0".repeat(20)}`, owner: await store.identity() });
    await clock.advance(60);
    const before = await records();
    const report = await reap({ dryRun: true });
    expect(report.terminated).toMatchObject([{ reason: "idle" }]);
    expect(report.orphans).toMatchObject([{ computeId: "0".repeat(20), reason: "orphan" }]);
    expect(await records()).toEqual(before);
    expect(provider.instances.map(({ status }) => status)).toEqual(["running", "running"]);
    expect((await reap()).terminated).toHaveLength(1);
  });

  it.each([
    [{ limit: 0 }],
    [{ limit: 1.5 }],
    [{ limit: 1001 }],
    [{ orphans: "yes" }],
    [{ orphans: true }],
    [{ dry: true }],
    [{ signal: 1 }],
  ])("refuses %o", async (options) => {
    const { atlas, failure, provider } = scene();
    expect(await failure(atlas.reap(options as never))).toMatchObject({ code: "VALIDATION" });
    expect(provider.calls).toEqual([]);
  });
});

describe("a look at a compute", () => {
  it("does not change a compute that a caller stopped after the list was read", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    let meanwhile = async (): Promise<unknown> => undefined;
    const listing = mockWithLateList(provider, () => meanwhile());
    const { reap, id, record, store } = await running(
      {},
      { clock, providers: [listing], store: memoryStore({ clock }) },
    );
    const other = createAtlas({ providers: [provider], store, clock });
    meanwhile = () => other.stop(id);
    await clock.advance(301);
    await reap();
    expect(await record(id)).toMatchObject({ status: "stopped", lease: null });
  });
});

describe("a reap that meets trouble", () => {
  it.each([
    "error-before",
    "partial",
    "malformed",
    "timeout-before",
    "hang",
    "not-an-error",
    "bad-key",
    "rate-limit",
  ] as const)("ends nothing because of a list that answers %s", async (fault) => {
    const { spawn, reap, clock, provider, records, settle } = scene({ mock: { pageSize: 2 } });
    for (let index = 0; index < 5; index += 1)
      await settle((await spawn({ idleTimeoutSeconds: null, maxLifetimeSeconds: null })).waitUntilReady());
    await clock.advance(301);
    provider.script("list", fault);
    const report = await reap();
    expect(report).toMatchObject({
      ...{ terminated: [], settled: [], vanished: [], orphans: [], remaining: false },
    });
    expect(report.failed).not.toEqual([]);
    expect((await records()).map(({ status }) => status)).toEqual(Array(5).fill("running"));
    await clock.advance(301);
    expect(await reap()).toMatchObject({ failed: [], terminated: [], vanished: [] });
    expect((await records()).map(({ attempts, lastError }) => [attempts, lastError])).toEqual(
      Array(5).fill([0, null]),
    );
  });

  it("does the work of another provider meanwhile, before the one that hangs is given up", async () => {
    const { world, ids } = await onTwo({ idleTimeoutSeconds: 60 });
    const { provider, clock, reap, record, atlas } = world;
    for (const operation of ["terminate", "list", "get", "find"] as const)
      provider.script(operation, { fault: "hang", times: Number.POSITIVE_INFINITY });
    await clock.advance(61);
    const pass = atlas.reap();
    await clock.advance(1);
    expect((await record(ids[1])).status).toBe("terminated");
    const report = await world.settle(pass);
    expect(report.terminated).toMatchObject([{ computeId: ids[1] }]);
    expect(report.failed.map(({ computeId, reason }) => computeId ?? reason)).toEqual([ids[0], "list"]);
    expect(await record(ids[0])).toMatchObject({ status: "terminating", reason: "idle" });
    provider.heal();
    await clock.advance(10);
    expect((await reap()).terminated).toMatchObject([{ computeId: ids[0] }]);
  });

  it("leaves a provider alone for the rest of the pass after three failures, and stores the ends all the same", async () => {
    const { spawn, reap, clock, provider, records, settle, count } = scene();
    for (let index = 0; index < 30; index += 1)
      await settle((await spawn({ idleTimeoutSeconds: 60 })).waitUntilReady());
    provider.script("terminate", { fault: "timeout-before", times: Number.POSITIVE_INFINITY });
    await clock.advance(61);
    const { failed, terminated } = await reap({ orphans: "ignore" });
    expect([failed.length, terminated.length]).toEqual([30, 0]);
    expect(count("terminate")).toBeLessThan(15);
    expect((await records()).map(({ status }) => status)).toEqual(Array(30).fill("terminating"));
  });

  it("does not let the computes of a provider that is down crowd out all others", async () => {
    const { world, ids } = await onTwo({ idleTimeoutSeconds: null, maxLifetimeSeconds: null });
    const { provider, clock, reap, record } = world;
    provider.script("list", { fault: "error-before", times: Number.POSITIVE_INFINITY });
    await clock.advance(301);
    await reap({ limit: 1 });
    await reap({ limit: 1 });
    expect((await record(ids[1])).checkAt?.getTime()).toBeGreaterThan(clock.now().getTime());
  });

  it("puts a boot that is late off, too, so that others have their turn", async () => {
    const { spawn, reap, clock, provider, record } = scene({
      mock: { bootSeconds: 1000, bootTimeoutSeconds: 60 },
    });
    const { id } = await spawn();
    await clock.advance(61);
    provider.script("list", { fault: "error-before", times: 3 });
    expect((await reap()).failed).toMatchObject([{ computeId: id }, { reason: "list" }]);
    expect((await record(id)).dueAt?.getTime()).toBe(clock.now().getTime() + 5000);
    expect((await reap()).failed).toMatchObject([{ reason: "list" }]);
    for (const seconds of [5, 10]) {
      await clock.advance(seconds);
      await reap();
    }
    expect(await record(id)).toMatchObject({ status: "terminated", reason: "boot_timeout" });
  });

  it("says that the store is down, as such", async () => {
    let isUp = true;
    const { atlas, failure, clock } = await running(
      { idleTimeoutSeconds: 60 },
      {
        through: (store) =>
          intercept(store, ["replace"], () => {
            if (!isUp) throw new AtlasError("STORE_UNAVAILABLE", "the store is down");
          }),
      },
    );
    await clock.advance(61);
    isUp = false;
    expect(await failure(atlas.reap())).toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it("leaves a compute on a provider that is not configured, and says so", async () => {
    const { store, clock, id } = await running({ idleTimeoutSeconds: 60 });
    await clock.advance(61);
    const other = scene({ clock, store, mock: { name: "other" } });
    expect((await other.reap()).failed).toMatchObject([
      { computeId: id, error: expect.stringContaining("not among the configured") },
    ]);
    expect(await other.record(id)).toMatchObject({ status: "terminating", reason: "idle" });
  });
});

describe("two reaps at once", () => {
  it("never ask the provider twice to end one instance within a lease", async () => {
    const world = scene({ mock: { latencySeconds: 3 } });
    for (let index = 0; index < 20; index += 1)
      await world.settle((await world.spawn({ idleTimeoutSeconds: 60 })).waitUntilReady());
    await world.clock.advance(61);
    const other = createAtlas({ providers: [world.provider], store: world.store, clock: world.clock });
    const reports = await world.settle(
      Promise.all([world.atlas.reap(), other.reap(), world.atlas.reap({ limit: 5 })]),
    );
    const ended = world.provider.calls
      .filter(({ operation }) => operation === "terminate")
      .map(({ name }) => name);
    expect(ended).toHaveLength(20);
    expect(new Set(ended).size).toBe(20);
    expect(reports.flatMap(({ terminated }) => terminated)).toHaveLength(20);
    expect(reports.flatMap(({ failed }) => failed)).toEqual([]);
  });

  it("begin no task whose lease ended before its turn", async () => {
    const timing = { leaseSeconds: 15 };
    const { spawn, atlas, settle, clock, provider, records } = scene({ mock: { latencySeconds: 0 }, timing });
    for (let index = 0; index < 20; index += 1)
      await settle((await spawn({ idleTimeoutSeconds: 60 })).waitUntilReady());
    await clock.advance(61);
    provider.script("terminate", { fault: "delay", seconds: 20, times: 8 });
    const { terminated, remaining } = await settle(atlas.reap({ orphans: "ignore" }));
    expect([terminated.length, remaining]).toEqual([8, true]);
    expect((await records()).filter(({ status }) => status === "running")).toHaveLength(12);
    expect((await settle(atlas.reap({ orphans: "ignore" }))).terminated).toHaveLength(12);
  });

  it("leave unfinished tasks to the next pass when their caller gives up", async () => {
    const { clock, record, atlas, id, provider, settle } = await running({ idleTimeoutSeconds: 60 });
    await clock.advance(61);
    provider.script("terminate", "hang");
    const abort = new AbortController();
    const pass = atlas.reap({ signal: abort.signal, orphans: "ignore" });
    await clock.advance(1);
    abort.abort();
    expect(await settle(pass)).toMatchObject({ failed: [], remaining: true });
    await clock.advance(60);
    await settle(atlas.reap());
    expect(await record(id)).toMatchObject({ status: "terminated", reason: "idle" });
  });

  it("go on where one of them died, once its lease is over", async () => {
    const { clock, record, reap, id, store } = await running({ idleTimeoutSeconds: 60 });
    await clock.advance(61);
    await store.claimDue({
      namespace: "default",
      lease: "of a process that died",
      leaseSeconds: 60,
      limit: 10,
    });
    expect((await reap()).terminated).toEqual([]);
    await clock.advance(59);
    expect((await reap()).terminated).toEqual([]);
    await clock.advance(1);
    expect((await reap()).terminated).toHaveLength(1);
    expect((await record(id)).status).toBe("terminated");
  });

  it("do not overwrite the work of another pass after a lease was lost", async () => {
    const timing = { leaseSeconds: 30, requestTimeoutSeconds: 200 };
    const { atlas, clock, settle, record, id, provider } = await running(
      { idleTimeoutSeconds: 60 },
      { timing },
    );
    await clock.advance(61);
    provider.script("terminate", { fault: "delay", seconds: 100 });
    const slow = atlas.reap({ orphans: "ignore" });
    await clock.advance(31);
    expect((await settle(atlas.reap({ orphans: "ignore" }))).terminated).toMatchObject([{ computeId: id }]);
    const written = await record(id);
    expect(written).toMatchObject({ status: "terminated", reason: "idle" });
    await settle(slow);
    expect(await record(id)).toEqual(written);
  });
});

describe("a process that died", () => {
  /** Spawns in a process that dies at its create: neither its provider nor its store ever answers it. */
  async function dieAtCreate(provider: Provider, clock: ManualClock): Promise<Scene> {
    const never = new Promise<never>(() => undefined);
    const dead = scene({
      clock,
      store: memoryStore({ clock }),
      providers: [intercept(provider, ["create"], () => never)],
      through: (of) => intercept(of, ["replace"], () => never),
    });
    void dead.atlas.spawnCompute({});
    await clock.advance(0);
    expect(await dead.records()).toMatchObject([{ status: "pending" }]);
    return dead;
  }

  /** Spawns in a process that dies after its create: its store never answers it. */
  async function dieAfterCreate(
    spawn: (atlas: Atlas) => Promise<unknown>,
  ): Promise<{ clock: ManualClock; store: Store; provider: MockProvider }> {
    const clock = manualClock();
    const store = memoryStore({ clock });
    const provider = mock({ clock });
    const never = new Promise<never>(() => undefined);
    const { atlas } = scene({
      clock,
      store,
      providers: [provider],
      through: (of) => intercept(of, ["replace"], () => never),
    });
    void spawn(atlas);
    await clock.advance(0);
    return { clock, store, provider };
  }

  it("between row and create leaves a row that is abandoned after its grace", async () => {
    const clock = manualClock();
    const { store, records } = await dieAtCreate(mock({ clock }), clock);
    const next = createAtlas({ providers: [mock({ clock })], store, clock });
    await clock.advance(599);
    await next.reap();
    expect(await records()).toMatchObject([{ status: "pending" }]);
    for (const seconds of [1, 31]) {
      await clock.advance(seconds);
      await next.reap();
    }
    expect(await records()).toMatchObject([{ status: "terminated", reason: "abandoned" }]);
  });

  it("is settled sooner where the provider says for how long a create may still appear", async () => {
    const clock = manualClock();
    const quick = { ...mock({ clock }), createGraceSeconds: 75 };
    const { store, records } = await dieAtCreate(quick, clock);
    const next = createAtlas({ providers: [quick], store, clock });
    for (const seconds of [75, 31]) {
      await clock.advance(seconds);
      await next.reap();
    }
    expect(await records()).toMatchObject([{ status: "terminated", reason: "abandoned" }]);
  });

  it("after the create leaves an instance that is ended after its grace, because its token is lost", async () => {
    const { clock, store, provider } = await dieAfterCreate((atlas) => atlas.spawnCompute({}));
    expect(provider.instances).toHaveLength(1);
    const next = sceneOn({
      clock,
      store,
      provider,
      atlas: createAtlas({ providers: [provider], store, clock }),
    });
    await clock.advance(599);
    expect((await next.reap()).orphans).toEqual([]);
    expect(next.alive()).toHaveLength(1);
    await clock.advance(1);
    expect((await next.reap()).terminated).toMatchObject([{ providerId: "mock-1", reason: "abandoned" }]);
    expect(next.alive()).toEqual([]);
  });

  it("after the create of a slot's compute leaves an instance that is taken up after its grace: its user asks for the slot again", async () => {
    const { clock, store, provider } = await dieAfterCreate((atlas) => atlas.getOrSpawn({ userId: "ada" }));
    const next = createAtlas({ providers: [provider], store, clock });
    await clock.advance(600);
    expect((await next.reap()).settled).toMatchObject([{ reason: "found" }]);
    const found = await next.getOrSpawn({ userId: "ada", token: "new" });
    expect(found).toMatchObject({ isNew: false, providerId: "mock-1" });
    expect(found.auth?.token).toMatch(/^[\w-]{43}$/);
    expect(provider.instances).toHaveLength(1);
  });
});
