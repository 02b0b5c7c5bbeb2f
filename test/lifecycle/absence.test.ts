import { describe, expect, it } from "vitest";
import { AtlasError } from "../../src/errors.ts";
import { intercept } from "../support/intercept.ts";
import { failureOf, scene } from "../support/scene.ts";
import { reapFor, statuses, type TwoAccounts, withComputes } from "./two-accounts.ts";

describe("law 17: a mass disappearance is suspicious, not proof", () => {
  it("ends nothing while a wrong key shows none of several computes, tells of it in every pass, and goes on with the right key", async () => {
    const world = await withComputes(3);
    await reapFor(world, 300);
    world.key.isWrong = true;
    await reapFor(world, 840);
    expect(await statuses(world)).toEqual(Array(3).fill("running null"));
    const told = world.errors.filter((line) => line.includes("shows none of 3 computes"));
    expect(told.length).toBeGreaterThan(10);
    world.key.isWrong = false;
    await reapFor(world, 1200);
    expect(await statuses(world)).toEqual(Array(3).fill("running null"));
    expect(world.alive()).toBe(3);
  });

  it("believes it after a quarter of an hour, and takes the computes up again when they turn up", async () => {
    const world = await withComputes(2);
    world.key.isWrong = true;
    await reapFor(world, 1800);
    expect(await statuses(world)).toEqual(Array(2).fill("terminated vanished"));
    world.key.isWrong = false;
    await world.stage.clock.advance(60);
    const report = await world.stage.reap();
    expect(report.orphans).toEqual([]);
    expect(report.settled.map(({ reason }) => reason)).toEqual(Array(2).fill("vanished, taken up again"));
    expect(await statuses(world)).toEqual(Array(2).fill("running null"));
    expect(world.alive()).toBe(2);
    const computeId = String(world.computes[0]?.id);
    const last = (await world.stage.events(computeId)).at(-1);
    const note = "its provider shows it again";
    expect(last).toMatchObject({ type: "state", status: "running", data: { note } });
    const line = `mock shows compute ${computeId} again, which had vanished: it is taken up`;
    expect(world.warnings).toContainEqual([line, { computeId }]);
  });

  it("ends one compute after two looks, 30 seconds apart, that miss it, while others are shown", async () => {
    const world = await withComputes(3);
    world.cloud.vanish("mock-1");
    await untilMissed(world);
    expect(await statuses(world)).toEqual(Array(3).fill("running null"));
    await world.stage.clock.advance(29);
    await world.stage.reap();
    expect(await statuses(world)).toEqual(Array(3).fill("running null"));
    await world.stage.clock.advance(1);
    await world.stage.reap();
    expect(await statuses(world)).toEqual(["terminated vanished", "running null", "running null"]);
  });

  it("forgets an absence when the instance is seen again", async () => {
    const world = await withComputes(1);
    world.key.isWrong = true;
    const missed = await untilMissed(world);
    world.key.isWrong = false;
    await reapFor(world, 60);
    expect(await world.stage.record(missed)).toMatchObject({ status: "running", absentSince: null });
    world.key.isWrong = true;
    expect(await untilMissed(world)).toBe(missed);
    expect(await statuses(world)).toEqual(["running null"]);
  });

  it("leaves the slot to the compute that took it meanwhile", async () => {
    const world = await withComputes(1, { slot: "default" });
    world.key.isWrong = true;
    await reapFor(world, 600);
    expect(await statuses(world)).toEqual(["terminated vanished"]);
    world.key.isWrong = false;
    const { stage, computes } = world;
    const second = await stage.settle(stage.atlas.getOrSpawn({ userId: "u0", slot: "default" }));
    await stage.clock.advance(60);
    await stage.reap();
    expect(await stage.record(String(computes[0]?.id))).toMatchObject({ status: "running", slot: null });
    expect(await stage.settle(stage.atlas.getOrSpawn({ userId: "u0", slot: "default" }))).toMatchObject({
      id: second.id,
    });
  });

  it("keeps the slot that no other compute took, also when the store fails for a moment, and may end as idle", async () => {
    const world = await withComputes(1, { slot: "default", idleTimeoutSeconds: 5000 });
    const { stage, key, computes } = world;
    const id = String(computes[0]?.id);
    key.isWrong = true;
    await reapFor(world, 600);
    key.isWrong = false;
    await stage.clock.advance(60);
    let failures = 0;
    const flaky = scene({
      ...{ clock: stage.clock, store: stage.store, providers: [world.cloud] },
      through: (store) =>
        intercept(store, ["replace"], () => {
          failures += 1;
          if (failures === 1) throw new AtlasError("STORE_UNAVAILABLE", "the connection was reset");
        }),
    });
    expect(await flaky.failure(flaky.atlas.reap())).toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(await stage.record(id)).toMatchObject({ status: "terminated", slot: "default" });
    await flaky.reap();
    const idleDeadline = new Date(stage.clock.now().getTime() + 5_000_000);
    expect(await stage.record(id)).toMatchObject({ status: "running", slot: "default", idleDeadline });
  });

  it("takes a compute up as stopped whose instance was stopped meanwhile", async () => {
    const world = await withComputes(1);
    const { stage, key, cloud, computes } = world;
    key.isWrong = true;
    await reapFor(world, 600);
    cloud.setStatus("mock-1", "stopped");
    key.isWrong = false;
    await stage.clock.advance(60);
    await stage.reap();
    expect(await stage.record(String(computes[0]?.id))).toMatchObject({ status: "stopped", reason: null });
  });

  it.each([
    ["another instance of its name", { providerId: "mock-9" }, "orphan"],
    ["an instance that another store made", { owner: "another store" }, "another store's, left alone"],
  ])("does not take a compute up by %s", async (_, other, reason) => {
    const world = await withComputes(1);
    const { stage, key, cloud, computes } = world;
    key.isWrong = true;
    await reapFor(world, 600);
    key.isWrong = false;
    const list: typeof cloud.list = async (...call) =>
      (await cloud.list(...call)).map((instance) => ({ ...instance, ...other }));
    const next = scene({ clock: stage.clock, store: stage.store, providers: [{ ...cloud, list }] });
    await stage.clock.advance(60);
    expect(await next.reap()).toMatchObject({ settled: [], orphans: [{ reason }] });
    expect(await stage.record(String(computes[0]?.id))).toMatchObject({
      ...{ status: "terminated", reason: "vanished" },
    });
  });

  it("changes nothing in a dry run", async () => {
    const world = await withComputes(1);
    world.key.isWrong = true;
    await reapFor(world, 600);
    world.key.isWrong = false;
    await world.stage.clock.advance(60);
    const { settled } = await world.stage.reap({ dryRun: true });
    expect(settled).toMatchObject([{ reason: "vanished, taken up again" }]);
    expect(await statuses(world)).toEqual(["terminated vanished"]);
  });
});

describe("law 17: a caller that waits", () => {
  it("hears of a lost instance by the second look, 30 seconds after the first, and not by an outage between", async () => {
    const world = await withComputes(2, { ports: [8000] });
    const { stage, cloud, computes } = world;
    const [lost] = computes;
    if (lost === undefined) throw new Error("there is no compute");
    cloud.respond(() => new Response("loading", { status: 503 }));
    cloud.vanish(lost.name);
    const waiting = failureOf(lost.waitUntilReady({ path: "/never", timeoutSeconds: 600 }));
    await stage.clock.advance(10);
    expect(await stage.record(lost.id)).toMatchObject({ status: "running", absentSince: expect.any(Date) });
    cloud.script("get", { fault: "error-before", times: Number.POSITIVE_INFINITY });
    cloud.script("list", { fault: "error-before", times: Number.POSITIVE_INFINITY });
    await stage.clock.advance(120);
    expect(await stage.record(lost.id)).toMatchObject({ status: "running" });
    cloud.heal();
    await stage.clock.advance(60);
    expect(await stage.record(lost.id)).toMatchObject({ status: "terminated", reason: "vanished" });
    expect(await waiting).toMatchObject({ code: "BOOT_FAILED", message: expect.stringContaining("is gone") });
  });

  it("is told of no end while a wrong key shows none of several computes", async () => {
    const world = await withComputes(3, { ports: [8000] });
    world.key.isWrong = true;
    world.cloud.respond(() => new Response("loading", { status: 503 }));
    const waits = world.computes.map((compute) =>
      failureOf(compute.waitUntilReady({ path: "/never", timeoutSeconds: 300 })),
    );
    await world.stage.clock.advance(310);
    for (const error of await Promise.all(waits)) expect(error).toMatchObject({ code: "TIMEOUT" });
    expect(await statuses(world)).toEqual(Array(3).fill("running null"));
  });

  it("is not told that a compute without ports is ready when the look has just missed it", async () => {
    const { stage, cloud, computes } = await withComputes(1);
    cloud.vanish(String(computes[0]?.name));
    const waiting = failureOf(computes[0]?.waitUntilReady() ?? Promise.resolve());
    await stage.clock.advance(60);
    expect(await waiting).toMatchObject({ code: "BOOT_FAILED" });
  });

  it("changes nothing of a compute that ended while the provider was asked", async () => {
    const { stage, cloud, computes } = await withComputes(1, { ports: [8000] });
    const [compute] = computes;
    if (compute === undefined) throw new Error("there is no compute");
    cloud.respond(() => new Response("loading", { status: 503 }));
    cloud.script("get", { fault: "delay", seconds: 20 });
    const waiting = failureOf(compute.waitUntilReady({ path: "/never" }));
    await stage.clock.advance(1);
    await stage.settle(stage.atlas.terminate(compute.id));
    const ended = await stage.record(compute.id);
    expect(ended).toMatchObject({ status: "terminated", reason: "requested" });
    await stage.clock.advance(600);
    await stage.reap();
    expect(await stage.record(compute.id)).toEqual(ended);
    await stage.settle(waiting);
  });
});

/** Lets time pass until a look has missed the first compute. @returns its id */
async function untilMissed(world: TwoAccounts): Promise<string> {
  const id = String(world.computes[0]?.id);
  for (let passes = 0; passes < 100; passes += 1) {
    await reapFor(world, 30);
    if ((await world.stage.record(id)).absentSince !== null) return id;
  }
  throw new Error("no look missed the compute");
}
