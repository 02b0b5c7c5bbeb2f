import { describe, expect, it } from "vitest";
import { AtlasError } from "../../src/errors.ts";
import { createAtlas, memoryStore } from "../../src/index.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import type { SpawnRequest } from "../../src/request.ts";
import type { Store } from "../../src/store.ts";
import { intercept, interceptOnce } from "../support/intercept.ts";
import { type Scene, type SceneOptions, scene } from "../support/scene.ts";

/** A scene with so many computes that run. */
async function running(
  count: number,
  request: SpawnRequest = {},
  options: SceneOptions = {},
): Promise<Scene> {
  const world = scene(options);
  for (let index = 0; index < count; index += 1) {
    const compute = await world.spawn({ idleTimeoutSeconds: null, maxLifetimeSeconds: null, ...request });
    await world.settle(compute.waitUntilReady());
  }
  return world;
}

describe("a dry run", () => {
  it("reports a compute from its deadline on, and none that is not due", async () => {
    const request = { idleTimeoutSeconds: 10, warnBeforeEndSeconds: 0 };
    const { clock, reap, record, records } = await running(1, request);
    const id = (await records())[0]?.id ?? "";
    expect((await record(id)).dueAt).toEqual(new Date(clock.now().getTime() + 10_000));
    await clock.advance(9);
    expect(await reap({ dryRun: true, limit: 1 })).toMatchObject({ terminated: [], remaining: false });
    await clock.advance(1);
    expect(await reap({ dryRun: true, limit: 1 })).toMatchObject({
      terminated: [{ computeId: id, reason: "idle" }],
      remaining: true,
    });
  });

  it("finds what is due among many that are not, and reports no more than its limit", async () => {
    const pages: unknown[] = [];
    const through = (store: Store): Store =>
      intercept(store, ["list"], (_, [filter]) => {
        if (Object(filter).statuses !== undefined && Object(filter).names === undefined) pages.push(filter);
      });
    const { spawn, atlas, settle, clock, reap } = scene({ through });
    await settle(
      Promise.all(Array.from({ length: 600 }, () => atlas.spawnCompute({ bootTimeoutSeconds: 3600 }))),
    );
    const due: string[] = [];
    for (let index = 0; index < 3; index += 1)
      due.push((await spawn({ maxLifetimeSeconds: 10, warnBeforeEndSeconds: 0 })).id);
    await clock.advance(10);
    const report = await reap({ dryRun: true, orphans: "ignore" });
    expect(report.terminated.map(({ computeId }) => computeId).toSorted()).toEqual(due.toSorted());
    expect(pages).toHaveLength(2);
    expect((await reap({ dryRun: true, orphans: "ignore", limit: 2 })).terminated).toHaveLength(2);
    pages.length = 0;
    await clock.advance(1000);
    await reap({ dryRun: true, orphans: "ignore", limit: 500 });
    expect(pages).toHaveLength(1);
  });

  it("plans no end of a budget", async () => {
    const limits = { costPerMonth: 100 };
    const { clock, reap, records } = await running(1, { gpu: "l4" }, { limits, mock: { costPerHour: 100 } });
    await clock.advance(3000);
    await reap({ dryRun: true });
    expect(await records()).toMatchObject([{ budgetDeadline: null }]);
    await reap();
    expect(await records()).toMatchObject([{ budgetDeadline: expect.any(Date) }]);
  });
});

describe("a pass", () => {
  it("says whose options it refuses", async () => {
    const { atlas, failure } = scene();
    expect((await failure(atlas.reap({ limit: 0 }))).message).toContain("options of reap");
  });

  it("deletes the surplus events of the computes that it worked on", async () => {
    const { clock, reap, records, events, atlas } = await running(
      ...[1, {}, { retention: { eventsPerCompute: 100 } }],
    );
    const id = (await records())[0]?.id ?? "";
    for (let index = 0; index < 150; index += 1) await atlas.rotateToken(id);
    expect((await events(id)).length).toBeGreaterThan(150);
    await clock.advance(301);
    await reap();
    expect((await events(id)).length).toBeLessThanOrEqual(100);
  });

  it.each([
    new AtlasError("STORE_UNAVAILABLE", "the connection was reset"),
    new TypeError("a fault of ours"),
  ])("whose store fails for one compute does the work of the others, and then throws: %s", async (error) => {
    let failures = 0;
    const through = (store: Store): Store =>
      intercept(store, ["replace"], (_, [record]) => {
        if (Object(record).status !== "terminating" || failures > 0) return;
        failures += 1;
        throw error;
      });
    const { clock, atlas, settle, records, alive } = await running(
      20,
      { idleTimeoutSeconds: 60 },
      { through },
    );
    await clock.advance(61);
    await expect(settle(atlas.reap({ orphans: "ignore" }))).rejects.toThrow(error.message);
    expect(failures).toBe(1);
    expect(alive()).toHaveLength(1);
    const statuses = (await records()).map(({ status }) => status);
    expect(statuses.filter((status) => status === "terminated")).toHaveLength(19);
    await clock.advance(60);
    await settle(atlas.reap());
    expect(alive()).toEqual([]);
  });

  it("begins nothing more once its caller gave up", async () => {
    const { clock, atlas, settle, provider, records, count } = await running(20, { idleTimeoutSeconds: 60 });
    await clock.advance(61);
    provider.script("terminate", { fault: "delay", seconds: 5, times: 20 });
    const abort = new AbortController();
    const pass = atlas.reap({ signal: abort.signal, orphans: "ignore" });
    await clock.advance(1);
    abort.abort();
    expect((await settle(pass)).remaining).toBe(true);
    expect(count("terminate")).toBe(8);
    expect((await records()).filter(({ status }) => status === "running")).toHaveLength(12);
  });

  it("begins nothing more from the very end of its leases on", async () => {
    const options = { timing: { leaseSeconds: 20 } };
    const { clock, reap, provider, records } = await running(20, { idleTimeoutSeconds: 60 }, options);
    await clock.advance(61);
    provider.script("terminate", { fault: "delay", seconds: 20, times: 20 });
    await reap({ orphans: "ignore" });
    expect((await records()).filter(({ status }) => status === "running")).toHaveLength(12);
  });

  it("asks for the account and the other computes once, however many instances are missing", async () => {
    const { clock, provider, reap, count, records } = await running(5);
    await clock.advance(301);
    for (const { name } of [...provider.instances]) provider.vanish(name);
    await reap({ orphans: "ignore" });
    expect([count("list"), count("account")]).toEqual([1, 1]);
    expect((await records()).map(({ absentSince }) => absentSince)).toEqual(Array(5).fill(clock.now()));
  });

  it("is held up by a receiver of its events for half of its lease at most", async () => {
    const webhooks = [{ url: "https://app.example/hooks", secret: `whsec_${"a".repeat(43)}=` }];
    const { spawn, reap, clock } = scene({
      webhooks,
      timing: { leaseSeconds: 20 },
      fetch: () => new Promise<never>(() => undefined),
    });
    await spawn();
    const begin = clock.now().getTime();
    await reap();
    expect(clock.now().getTime() - begin).toBeLessThanOrEqual(10_000);
  });

  it("says that there is more to do while the outcome of a create is unknown", async () => {
    const { atlas, failure, provider, clock, reap, record } = scene();
    provider.script("create", "timeout-before");
    const { computeId = "" } = await failure(atlas.spawnCompute({}));
    await clock.advance(60);
    expect((await reap()).remaining).toBe(true);
    expect(await record(computeId)).toMatchObject({ status: "uncertain", lease: null, absentSince: null });
  });

  it("asks no provider where it only warns of an end", async () => {
    const request = { maxLifetimeSeconds: 1000, warnBeforeEndSeconds: 500 };
    const { clock, reap, records, events, count } = await running(1, request);
    await clock.advance(490);
    await reap({ orphans: "ignore" });
    const before = count("list");
    await clock.advance(10);
    await reap({ orphans: "ignore" });
    const [record] = await records();
    expect((await events(record?.id ?? "")).map(({ type }) => type)).toContain("ending-soon");
    expect([count("list"), record?.lease]).toEqual([before, null]);
  });
});

describe("a pass and a provider that fails", () => {
  /** Ends of so many computes at once, the first of which fail or succeed after these seconds. */
  async function ends(count: number, seconds: readonly (readonly [number, boolean])[]): Promise<Scene> {
    const world = await running(count, { idleTimeoutSeconds: 60 });
    await world.clock.advance(61);
    const faults = seconds.map(([after, fails]) => ({
      ...{ fault: fails ? ("error-before" as const) : ("delay" as const), seconds: after },
    }));
    world.provider.script("terminate", ...faults, { fault: "delay", seconds: 20, times: 100 });
    return world;
  }

  it("asks it until the third failure, and then says so for each compute", async () => {
    const { reap, count, records } = await ends(
      20,
      [1, 2, 3].map((after) => [after, true]),
    );
    const { failed } = await reap({ orphans: "ignore" });
    expect(count("terminate")).toBe(8 + 2);
    expect(
      failed.filter(({ error }) => error === "UNAVAILABLE: mock did not answer in this pass"),
    ).toHaveLength(20 - 10);
    expect((await records()).filter(({ status }) => status === "running")).toEqual([]);
  });

  it("counts the failures in a row: an answer between them begins anew", async () => {
    const { reap, count } = await ends(20, [
      ...([1, 2] as const).map((after) => [after, true] as const),
      [3, false],
      ...([4, 5] as const).map((after) => [after, true] as const),
    ]);
    const { failed } = await reap({ orphans: "ignore" });
    expect(failed).toHaveLength(4);
    expect(count("terminate")).toBe(20);
  });

  it("does not ask it for each instance that its list misses", async () => {
    const { clock, provider, reap, count } = await running(30);
    await clock.advance(301);
    for (const { name } of [...provider.instances]) provider.vanish(name);
    provider.script("get", { fault: "error-before", times: Number.POSITIVE_INFINITY });
    const before = count("get");
    const { failed } = await reap({ orphans: "ignore" });
    expect(failed).toHaveLength(30);
    expect(count("get") - before).toBe(8);
  });

  it("says of which compute the work failed, and with which code", async () => {
    const lines: unknown[][] = [];
    const ignore = (): void => undefined;
    const warn = (...line: unknown[]): void => void lines.push(line);
    const logger = { debug: ignore, info: ignore, warn, error: ignore };
    const { clock, provider, reap, records } = await running(1, { idleTimeoutSeconds: 60 }, { logger });
    await clock.advance(61);
    provider.script("terminate", "error-before");
    provider.script("list", "error-before");
    await reap({ orphans: "ignore" });
    const computeId = (await records())[0]?.id ?? "";
    expect(lines).toContainEqual([`reaping compute ${computeId} failed`, { computeId, code: "PROVIDER" }]);
  });
});

describe("a look of a pass", () => {
  it("does not describe a compute by another instance of its name", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    const list: typeof provider.list = async (...call) =>
      (await provider.list(...call))
        .map((one) => (one.providerId === "mock-1" ? one : { ...one, status: "terminated" as const }))
        .toReversed();
    const world = await running(1, {}, { clock, providers: [{ ...provider, list }] });
    const [record] = await world.records();
    const { id = "", name = "" } = record ?? {};
    provider.add({ name, owner: await world.store.identity() });
    await clock.advance(301);
    expect(await world.reap()).toMatchObject({ vanished: [], orphans: [] });
    expect(await world.record(id)).toMatchObject({ status: "running", providerId: "mock-1" });
  });

  it("does not describe a compute by an instance of its id and another name", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    const renamed: typeof provider.list = async (...call) =>
      (await provider.list(...call)).map((one) => ({
        ...one,
        name: "atlas-default-x",
        status: "terminated",
      }));
    const world = await running(1, {}, { clock, providers: [{ ...provider, list: renamed }] });
    await clock.advance(301);
    await world.reap();
    expect(await world.records()).toMatchObject([{ status: "running", absentSince: null }]);
  });

  it("does not take an instance for gone that is not listed yet", async () => {
    const { spawn, clock, reap, record } = scene({ mock: { listLagSeconds: 300, bootTimeoutSeconds: 3600 } });
    const { id } = await spawn();
    for (let seconds = 0; seconds < 290; seconds += 29) {
      await clock.advance(29);
      await reap();
      expect(await record(id)).toMatchObject({ status: "provisioning", absentSince: null, lease: null });
    }
    await clock.advance(200);
    await reap();
    expect(await record(id)).toMatchObject({ status: "running" });
  });

  it("reports the end of a compute whose program exited, with the last lines of its log", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    let shown: object = {};
    const list: typeof provider.list = async (...call) =>
      (await provider.list(...call)).map((one) => ({ ...one, ...shown }));
    const world = await running(1, {}, { clock, providers: [{ ...provider, list }] });
    const id = (await world.records())[0]?.id ?? "";
    provider.log("mock-1", "out of memory");
    shown = { status: "terminated", exitCode: 137, message: "it was killed" };
    await clock.advance(301);
    const { terminated, vanished } = await world.reap({ orphans: "ignore" });
    expect(await world.record(id)).toMatchObject({ status: "terminated", reason: "exited" });
    expect(terminated).toMatchObject([{ computeId: id, providerId: "mock-1", reason: "exited" }]);
    expect(vanished).toEqual([]);
    expect((await world.events(id)).at(-1)?.data).toMatchObject({
      message: "it was killed",
      logs: expect.arrayContaining([expect.stringContaining("out of memory")]),
    });
  });
});

describe("a pass whose compute another worker changes after the claim", () => {
  /** A compute that is due, and a second client on the same store that acts once the first has claimed it. */
  async function claimed(
    request: SpawnRequest,
    seconds: number,
    act: (other: Scene, id: string) => Promise<unknown>,
  ): Promise<{ world: Scene; other: Scene; id: string }> {
    const clock = manualClock();
    const kept = memoryStore({ clock });
    const { target: store, before } = interceptOnce(kept, "get");
    const world = await running(1, request, { clock, store });
    const other = scene({ clock, store: kept, providers: [world.provider] });
    const id = (await world.records())[0]?.id ?? "";
    await clock.advance(seconds);
    before(() => act(other, id));
    return { world, other, id };
  }

  it("does not ask the provider for an end that the other has begun", async () => {
    const { world, id } = await claimed({ idleTimeoutSeconds: 60 }, 60, async ({ store }) => {
      const { record } = (await store.get("default", id)) ?? {};
      if (record === undefined) throw new Error("there is no record");
      const lease = "of another worker";
      const leaseUntil = new Date(world.clock.now().getTime() + 60_000);
      const next = { ...record, status: "terminating", reason: "requested", lease, leaseUntil } as const;
      await store.replace({ ...next, version: record.version + 1 }, undefined);
    });
    await world.reap({ orphans: "ignore" });
    expect(world.count("terminate")).toBe(0);
    expect(await world.record(id)).toMatchObject({ status: "terminating", lease: "of another worker" });
  });

  it("gives no warning of an end that a touch has put off", async () => {
    const request = { idleTimeoutSeconds: 600, warnBeforeEndSeconds: 60 };
    const { world, id } = await claimed(request, 540, ({ atlas }, of) => atlas.touch(of));
    expect(await world.reap({ orphans: "ignore" })).toMatchObject({ failed: [] });
    expect((await world.events(id)).map(({ type }) => type)).not.toContain("ending-soon");
    expect(await world.record(id)).toMatchObject({ status: "running", lease: null });
  });
});

describe("the end of a budget", () => {
  /** A compute that spends a dollar a second, at the time at which its budget of 300 dollars is spent. */
  async function spent(): Promise<Scene & { readonly id: string }> {
    const limits = { costPerMonthPerUser: 300 };
    const world = await running(1, { gpu: "l4", userId: "ann" }, { limits, mock: { costPerHour: 3600 } });
    await world.clock.advance(15);
    await world.reap();
    const [{ id, budgetDeadline } = { id: "", budgetDeadline: null }] = await world.records();
    await world.clock.advance(((budgetDeadline?.getTime() ?? 0) - world.clock.now().getTime()) / 1000);
    return { ...world, id };
  }

  it("does not come when the budget was given up after its deadline was written", async () => {
    const { clock, store, provider, settle, record, id } = await spent();
    const free = createAtlas({ clock, store, providers: [provider] });
    expect(await settle(free.reap({ orphans: "ignore" }))).toMatchObject({ terminated: [] });
    expect(await record(id)).toMatchObject({ status: "running", budgetDeadline: null });
  });

  it("is put off when the budget was raised by a little after its deadline was written", async () => {
    const { clock, store, provider, record, id } = await spent();
    // The forecast at the beginning of the pass fails, so that the record is claimed with the old deadline.
    let forecasts = 0;
    const through = (of: Store): Store =>
      intercept(of, ["costs"], () => {
        forecasts += 1;
        if (forecasts === 1) throw new AtlasError("STORE_UNAVAILABLE", "the connection was reset");
      });
    const limits = { costPerMonthPerUser: 600 };
    const more = scene({ clock, store, providers: [provider], limits, through });
    const now = clock.now().getTime();
    expect(await more.reap({ orphans: "ignore" })).toMatchObject({ terminated: [] });
    expect(forecasts).toBe(2);
    const { status, budgetDeadline } = await record(id);
    expect([status, Math.round(((budgetDeadline?.getTime() ?? 0) - now) / 10_000)]).toEqual(["running", 30]);
  });
});
