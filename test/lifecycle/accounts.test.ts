import { describe, expect, it } from "vitest";
import { reapFor, statuses, withComputes } from "./two-accounts.ts";

describe("law 17: an end that was begun", () => {
  it("is not confirmed by a provider that shows nothing of ours, and goes on with the right key", async () => {
    const world = await withComputes(3);
    const { stage, key, computes, cloud } = world;
    key.isWrong = true;
    const id = String(computes[0]?.id);
    await stage.settle(stage.atlas.terminate(id));
    await reapFor(world, 600);
    expect(await stage.record(id)).toMatchObject({ status: "terminating", reason: "requested" });
    expect(world.alive()).toBe(3);
    key.isWrong = false;
    await reapFor(world, 600);
    expect(await stage.record(id)).toMatchObject({ status: "terminated", reason: "requested" });
    expect(cloud.instances[0]?.status).toBe("terminated");
    expect((await statuses(world)).slice(1)).toEqual(Array(2).fill("running null"));
  });

  it("is not confirmed either when all others are ended, too, and none is expected any more", async () => {
    const world = await withComputes(4);
    const { stage, key, computes } = world;
    key.isWrong = true;
    for (const { id } of computes) await stage.settle(stage.atlas.terminate(id));
    await reapFor(world, 800);
    expect(await statuses(world)).toEqual(Array(4).fill("terminating requested"));
    key.isWrong = false;
    await reapFor(world, 600);
    expect(await statuses(world)).toEqual(Array(4).fill("terminated requested"));
    expect(world.alive()).toBe(0);
  });

  it("is confirmed after a quarter of an hour", async () => {
    const world = await withComputes(3);
    world.key.isWrong = true;
    const id = String(world.computes[0]?.id);
    await world.stage.settle(world.stage.atlas.terminate(id));
    await reapFor(world, 1500);
    expect(await world.stage.record(id)).toMatchObject({ status: "terminated", reason: "requested" });
  });

  it("is confirmed at once where the account shows others, or no others are expected", async () => {
    for (const count of [1, 3]) {
      const { stage, computes } = await withComputes(count);
      const id = String(computes[0]?.id);
      expect(await stage.settle(stage.atlas.terminate(id))).toMatchObject({ status: "terminated" });
    }
  });

  it("is not settled for a create whose outcome is unknown, either", async () => {
    const world = await withComputes(2);
    const { stage, cloud, key } = world;
    cloud.script("create", "timeout-after");
    cloud.script("list", { fault: "error-before", times: Number.POSITIVE_INFINITY });
    const { computeId = "" } = await stage.failure(stage.atlas.spawnCompute({}));
    key.isWrong = true;
    cloud.heal();
    await stage.clock.advance(700);
    await reapFor(world, 300);
    expect(await stage.record(computeId)).toMatchObject({ status: "uncertain" });
    key.isWrong = false;
    await reapFor(world, 900);
    expect(await stage.record(computeId)).toMatchObject({ status: "running" });
  });
});

describe("law 17: the account of a provider's key", () => {
  it("is remembered where our instances were seen: with another account's key nothing is believed to be gone, for a day", async () => {
    const world = await withComputes(1);
    const { stage, cloud, errors } = world;
    await reapFor(world, 60);
    cloud.switchAccount("another");
    const id = String(world.computes[0]?.id);
    await stage.settle(stage.atlas.terminate(id));
    for (let hour = 0; hour < 24; hour += 1) {
      await stage.clock.advance(3600);
      await stage.reap();
    }
    expect(await stage.record(id)).toMatchObject({ status: "terminating" });
    expect(world.alive()).toBe(1);
    const told = errors.find((line) => line.includes("another account"));
    expect(told).toMatch(/\([0-9a-f]{12}\).*\([0-9a-f]{12}\).*adopt --moved/s);
    expect(JSON.stringify(errors)).not.toContain("mock-account");
    cloud.switchAccount("mock-account");
    await reapFor(world, 600);
    expect(await stage.record(id)).toMatchObject({ status: "terminated", reason: "requested" });
    expect(world.alive()).toBe(0);
  });

  it("keeps a running compute, too", async () => {
    const world = await withComputes(1);
    await reapFor(world, 60);
    world.cloud.switchAccount("another");
    await reapFor(world, 3600);
    expect(await statuses(world)).toEqual(["running null"]);
  });

  it("is remembered anew after an adoption", async () => {
    const world = await withComputes(1);
    const { stage, cloud } = world;
    await reapFor(world, 60);
    cloud.switchAccount("another");
    await reapFor(world, 600);
    await stage.store.adopt("moved");
    await reapFor(world, 1200);
    expect(await statuses(world)).toEqual(["terminated vanished"]);
  });

  it("is kept by no process that has seen nothing of ours there", async () => {
    const world = await withComputes(1);
    world.cloud.switchAccount("another");
    await reapFor(world, 20);
    world.cloud.switchAccount("mock-account");
    await reapFor(world, 600);
    expect(await statuses(world)).toEqual(["running null"]);
    expect(world.errors).toEqual([]);
  });

  it("does not disturb a pass where the provider does not tell it", async () => {
    const world = await withComputes(1);
    world.cloud.script("account", { fault: "error-before", times: Number.POSITIVE_INFINITY });
    await world.stage.clock.advance(301);
    expect(await world.stage.reap()).toMatchObject({ failed: [], vanished: [] });
    expect(world.warnings).toEqual([
      ["mock did not tell its account: mock: account failed: it answered 500.", { code: "PROVIDER" }],
    ]);
    expect(await statuses(world)).toEqual(["running null"]);
  });
});
