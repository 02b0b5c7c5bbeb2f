import { describe, expect, it } from "vitest";
import { recordOf, scene } from "../support/scene.ts";

const slot = { userId: "u", slot: "default" } as const;

describe("spawnCompute with a slot", () => {
  it("refuses a slot that a live compute of the user holds, names the holder, and creates nothing", async () => {
    const { spawn, atlas, failure, records, alive } = scene();
    const first = await spawn(slot);
    const error = await failure(atlas.spawnCompute(slot));
    expect(error).toMatchObject({ code: "CONFLICT", computeId: first.id, details: { slot: "default" } });
    expect(await records()).toHaveLength(1);
    expect(alive()).toHaveLength(1);
  });

  it("leaves other users and other slots alone, and computes without a slot", async () => {
    const { spawn } = scene();
    await spawn(slot);
    for (const other of [
      { ...slot, userId: "v" },
      { ...slot, slot: "second" },
      { userId: "u" },
      { userId: "u" },
    ])
      expect((await spawn(other)).isNew).toBe(true);
  });

  it("takes the slot of a compute that has ended", async () => {
    const { spawn, atlas, settle } = scene();
    const first = await spawn(slot);
    await settle(atlas.terminate(first.id));
    expect(await spawn(slot)).toMatchObject({ slot: "default", isNew: true });
  });

  it("needs a user, and a slot in its form", async () => {
    const { atlas, failure } = scene();
    for (const wrong of [{ slot: "a" }, { userId: "u", slot: "" }, { userId: "u", slot: "A b" }])
      expect(await failure(atlas.spawnCompute(wrong))).toMatchObject({ code: "VALIDATION" });
  });
});

describe("getOrSpawn", () => {
  it("spawns once, and answers all callers at once with the same compute", async () => {
    const { atlas, settle, alive, records } = scene({ mock: { latencySeconds: 2 } });
    const calls = Array.from({ length: 40 }, () => atlas.getOrSpawn({ userId: "u", gpu: "h100" }));
    const computes = await settle(Promise.all(calls));
    expect(new Set(computes.map(({ id }) => id)).size).toBe(1);
    expect(computes.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(computes.filter(({ auth }) => auth?.token !== undefined)).toHaveLength(1);
    expect(alive()).toHaveLength(1);
    expect(await records()).toHaveLength(1);
  });

  it("answers a compute that another request spawned, as it is, and never ends it", async () => {
    const { spawn, atlas, settle, alive } = scene({ limits: { computesPerUser: 1 } });
    const first = await spawn({ ...slot, gpu: "l4" });
    {
      await using found = await settle(atlas.getOrSpawn({ userId: "u", gpu: "h100" }));
      expect(found).toMatchObject({ id: first.id, gpu: first.gpu, isNew: false, slot: "default" });
      expect(found.auth?.token).toBeUndefined();
    }
    expect(alive()).toHaveLength(1);
  });

  it("answers a stopped compute", async () => {
    const { spawn, atlas, settle, clock } = scene();
    const first = await spawn(slot);
    await clock.advance(5);
    await settle(first.waitUntilReady());
    await settle(atlas.stop(first.id));
    expect(await settle(atlas.getOrSpawn(slot))).toMatchObject({ id: first.id, status: "stopped" });
  });

  it("gives a found compute one more token where that is asked, and takes no other back", async () => {
    const { spawn, atlas, settle } = scene();
    const first = await spawn(slot);
    const old = String(first.auth?.token);
    const found = await settle(atlas.getOrSpawn({ ...slot, token: "new" }));
    const added = String(found.auth?.token);
    expect(added).not.toBe(old);
    for (const token of [old, added]) expect(await atlas.verifyToken(first.id, token)).toBe(true);
    expect(await settle(atlas.getOrSpawn({ ...slot, auth: "none", token: "new" }))).toMatchObject({
      isNew: false,
    });
  });

  it("waits for a compute that is ending, helps its end, and spawns into the free slot", async () => {
    const { spawn, atlas, settle, provider } = scene();
    const first = await spawn(slot);
    provider.script("terminate", { fault: "error-before", times: 1 });
    expect(await settle(atlas.terminate(first.id))).toMatchObject({ status: "terminating" });
    const second = await settle(atlas.getOrSpawn(slot));
    expect(second).toMatchObject({ isNew: true });
    expect(second.id).not.toBe(first.id);
  });

  it("says that a compute is still ending when the wait is over, and that another call may help", async () => {
    const { spawn, atlas, settle, failure, provider } = scene();
    const first = await spawn(slot);
    provider.script("terminate", { fault: "error-before", times: 100 });
    await settle(atlas.terminate(first.id));
    expect(await failure(atlas.getOrSpawn(slot))).toMatchObject({
      ...{ code: "CONFLICT", retryable: true, computeId: first.id },
    });
  });

  it("says UNCERTAIN for a create whose outcome stays unknown, and creates nothing beside it", async () => {
    const { atlas, failure, provider, records } = scene();
    provider.script("create", "timeout-before");
    const lost = await failure(atlas.getOrSpawn(slot));
    expect(lost.code).toBe("UNCERTAIN");
    const again = await failure(atlas.getOrSpawn(slot));
    expect(again).toMatchObject({ code: "UNCERTAIN", computeId: lost.computeId, mayHaveCreated: true });
    expect(await records()).toHaveLength(1);
  });

  it("finds the compute of a process that died after its create, once the reaper has settled it", async () => {
    const { atlas, settle, store, clock, reap, spawn } = scene();
    const first = await spawn(slot);
    const record = await recordOf(store, first.id);
    const back = { ...record, version: record.version + 1, status: "pending" as const, providerId: null };
    await store.replace(back, undefined);
    await clock.advance(700);
    await reap();
    const found = await settle(atlas.getOrSpawn(slot));
    expect([found.id, found.isNew]).toEqual([first.id, false]);
  });

  it("refuses a request without a user, with an idempotencyKey, or with an unknown option, also when there is a compute", async () => {
    const { spawn, atlas, failure } = scene();
    await spawn(slot);
    const calls = [
      { gpu: "h100" },
      { ...slot, idempotencyKey: "k" },
      { ...slot, token: "old" },
      { ...slot, gpus: 1 },
    ];
    for (const wrong of calls)
      expect(await failure(Reflect.apply(atlas.getOrSpawn, atlas, [wrong]))).toMatchObject({
        code: "VALIDATION",
      });
    expect(await failure(Reflect.apply(atlas.getOrSpawn, atlas, []))).toMatchObject({ code: "VALIDATION" });
  });

  it("passes on the refusal of a spawn that finds no place, and leaves the slot free", async () => {
    const { atlas, failure, settle, provider } = scene();
    provider.script("candidates", { fault: "capacity", times: 1 });
    expect(await failure(atlas.getOrSpawn({ ...slot, gpu: "h100" }))).toMatchObject({ code: "CAPACITY" });
    expect(await settle(atlas.getOrSpawn({ ...slot, gpu: "h100" }))).toMatchObject({ isNew: true });
  });
});
