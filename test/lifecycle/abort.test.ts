import { describe, expect, it } from "vitest";
import { isAtlasError } from "../../src/errors.ts";
import type { Phase } from "../../src/lifecycle/context.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import { type Scene, type SceneOptions, scene } from "../support/scene.ts";

class GaveUp extends Error {}

/** Spawns, and gives up when it has come so far, or that many seconds later. */
async function giveUp(world: Scene, at: Phase, seconds = 0): Promise<unknown> {
  const abort = new AbortController();
  const onProgress = ({ phase }: { phase: Phase }): void => {
    if (phase === at) void world.clock.sleep(seconds * 1000).then(() => abort.abort(new GaveUp()));
  };
  try {
    return await world.settle(
      world.atlas.spawnCompute({ gpu: "h100" }, { signal: abort.signal, onProgress }),
    );
  } catch (error) {
    return error;
  }
}

/** Lets an hour pass in which the reaper runs. */
async function anHour({ clock, reap }: Scene): Promise<void> {
  for (let round = 0; round < 12; round += 1) {
    await clock.advance(300);
    await reap();
  }
}

function slow(options: SceneOptions = {}): Scene {
  return scene({ ...options, mock: { latencySeconds: 10, ...options.mock } });
}

describe("a spawn with a caller that gives up", () => {
  it("before it began calls no provider, stores nothing and throws the signal's reason", async () => {
    const { atlas, settle, provider, records } = scene();
    const spawn = atlas.spawnCompute({}, { signal: AbortSignal.abort(new GaveUp()) });
    await expect(settle(spawn)).rejects.toBeInstanceOf(GaveUp);
    expect([provider.calls, await records()]).toEqual([[], []]);
  });

  it("while candidates are collected stores nothing and throws the signal's reason", async () => {
    const world = slow();
    expect(await giveUp(world, "placing", 5)).toBeInstanceOf(GaveUp);
    expect(await world.records()).toEqual([]);
    expect(world.count("create")).toBe(0);
  });

  it("while a second provider is asked for candidates stores nothing, although the first one offers some", async () => {
    const clock = manualClock();
    const providers = [mock({ clock }), mock({ clock, name: "second", latencySeconds: 10 })];
    const world = scene({ clock, providers });
    expect(await giveUp(world, "placing", 5)).toBeInstanceOf(GaveUp);
    expect(await world.records()).toEqual([]);
  });

  it("just before the create creates nothing and throws the signal's reason", async () => {
    const abort = new AbortController();
    const world = scene({ onEvent: () => abort.abort(new GaveUp()) });
    await expect(world.settle(world.atlas.spawnCompute({}, { signal: abort.signal }))).rejects.toBeInstanceOf(
      GaveUp,
    );
    expect(world.count("create")).toBe(0);
    expect(await world.records()).toMatchObject([
      { status: "failed", reason: "failed", lastError: "aborted" },
    ]);
  });

  it.each([
    ["whose request never arrived", { latencySeconds: 10 }, 5],
    ["that was under way", { latencySeconds: 10, listLagSeconds: 30 }, 5],
  ])("during a create %s is uncertain and known, and the reaper settles it", async (_, mock, seconds) => {
    const world = slow({ mock });
    const error = await giveUp(world, "creating", seconds);
    if (!isAtlasError(error)) throw error;
    expect(error).toMatchObject({ code: "UNCERTAIN", mayHaveCreated: true });
    expect(error.message).toContain("create on mock was aborted by the caller");
    expect(await world.record(error.computeId ?? "")).toMatchObject({
      status: "uncertain",
      reason: "requested",
    });
    await anHour(world);
    expect(await world.record(error.computeId ?? "")).toMatchObject({
      status: "terminated",
      reason: "requested",
    });
    expect(world.alive()).toEqual([]);
  });

  it.each([0, 30, 150])(
    "during a create that was done all the same, with a list %d seconds late, leaves nothing behind",
    async (listLagSeconds) => {
      const world = scene({ mock: { listLagSeconds } });
      world.provider.script("create", { fault: "timeout-after", seconds: 20 });
      const error = await giveUp(world, "creating", 10);
      expect(error).toMatchObject({ code: "UNCERTAIN" });
      expect(world.alive()).toHaveLength(1);
      await anHour(world);
      expect(world.alive()).toEqual([]);
      expect(await world.records()).toMatchObject([{ status: "terminated", reason: "requested" }]);
    },
  );

  it("while the instance is looked up is uncertain and known, and ended when it turns up", async () => {
    const world = scene({ mock: { listLagSeconds: 40 } });
    world.provider.script("create", "timeout-after");
    expect(await giveUp(world, "looking-up", 7)).toMatchObject({ code: "UNCERTAIN" });
    await world.clock.advance(60);
    expect((await world.reap()).terminated).toMatchObject([{ reason: "requested" }]);
    expect(world.alive()).toEqual([]);
  });

  it("is ended at once by the first reap when the instance is there already", async () => {
    const world = scene();
    world.provider.script("create", { fault: "timeout-after", seconds: 20 });
    await giveUp(world, "creating", 10);
    expect((await world.reap()).terminated).toMatchObject([{ reason: "requested" }]);
    expect(world.alive()).toEqual([]);
  });

  it("is not brought back by a caller that waits for its compute", async () => {
    const world = scene();
    world.provider.script("create", { fault: "timeout-after", seconds: 20 });
    await giveUp(world, "creating", 10);
    const [record] = await world.records();
    const handle = await world.atlas.getCompute(record?.id ?? "");
    expect(await world.failure(handle.waitUntilReady({ timeoutSeconds: 30 }))).toMatchObject({
      code: "TIMEOUT",
    });
    expect((await world.record(handle.id)).status).toBe("uncertain");
    await world.reap();
    expect(world.alive()).toEqual([]);
  });

  it("after the create has the compute", async () => {
    const world = scene();
    const abort = new AbortController();
    const compute = await world.spawn({}, { signal: abort.signal });
    abort.abort(new GaveUp());
    await anHour(world);
    expect(await world.record(compute.id)).toMatchObject({ status: "terminated", reason: "idle" });
  });

  it("no longer counts against a limit once it has ended", async () => {
    const world = slow({ limits: { computes: 1 } });
    await giveUp(world, "creating", 5);
    expect(await world.failure(world.atlas.spawnCompute({}))).toMatchObject({ code: "LIMIT_EXCEEDED" });
    await anHour(world);
    expect((await world.spawn()).status).toBe("provisioning");
  });
});
