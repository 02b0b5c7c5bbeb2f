import { describe, expect, it } from "vitest";
import { AtlasError } from "../../src/errors.ts";
import type { Provider } from "../../src/provider.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import type { Store } from "../../src/store.ts";
import { intercept } from "../support/intercept.ts";
import { type Scene, scene } from "../support/scene.ts";

/** A compute that runs. */
async function running(world: Scene, request: Parameters<Scene["spawn"]>[0] = {}): Promise<string> {
  const compute = await world.spawn(request);
  await world.settle(compute.waitUntilReady());
  return compute.id;
}

describe("stop and start", () => {
  it("bring a compute down and up again, and tell every state", async () => {
    const world = scene({ mock: { bootSeconds: 5 } });
    const { atlas, settle, provider, states } = world;
    const id = await running(world);
    expect(await settle(atlas.stop(id))).toMatchObject({ status: "stopped", idleDeadline: null });
    expect(provider.instances[0]?.status).toBe("stopped");
    expect(await settle(atlas.start(id))).toMatchObject({ status: "provisioning" });
    await settle((await atlas.getCompute(id)).waitUntilReady());
    expect(await states(id)).toEqual([
      "pending",
      ...["provisioning", "running", "stopped", "provisioning", "running"],
    ]);
  });

  it("are recorded as the caller's own when the store fails in passing after the provider has acted", async () => {
    let failures = 0;
    const through = (store: Store): Store =>
      intercept(store, ["replace"], () => {
        const acted = world.provider.instances[0]?.status === "stopped";
        if (!acted || failures === 3) return;
        failures += 1;
        throw new AtlasError("STORE_UNAVAILABLE", "the connection was reset");
      });
    const world: Scene = scene({ through });
    const id = await running(world);
    expect(await world.settle(world.atlas.stop(id))).toMatchObject({ status: "stopped", idleDeadline: null });
    expect(failures).toBe(3);
  });

  it("succeed without a call when the compute is in that state already", async () => {
    const world = scene();
    const { atlas, settle, count } = world;
    const id = await running(world);
    expect((await settle(atlas.start(id))).status).toBe("running");
    await settle(atlas.stop(id));
    expect((await settle(atlas.stop(id))).status).toBe("stopped");
    expect([count("stop"), count("start")]).toEqual([1, 0]);
  });

  it("are a CONFLICT where they cannot be, naming the state", async () => {
    const world = scene({ mock: { bootSeconds: 100 } });
    const { atlas, failure, settle, spawn } = world;
    const { id } = await spawn();
    const early = await failure(atlas.stop(id));
    expect(early).toMatchObject({
      code: "CONFLICT",
      computeId: id,
      message: expect.stringContaining("is provisioning and cannot be stopped"),
    });
    await settle(atlas.terminate(id));
    for (const call of [atlas.stop, atlas.start, atlas.touch])
      expect(await failure(call.call(atlas, id))).toMatchObject({
        code: "CONFLICT",
        message: expect.stringContaining("terminated"),
      });
  });

  it("are UNSUPPORTED where the provider cannot, and the error lists the providers that can", async () => {
    const clock = manualClock();
    const { stop: _, start: __, ...able } = mock({ clock });
    const limited: Provider = able;
    const world = scene({ clock, providers: [limited, mock({ clock, name: "second" })] });
    const id = await running(world);
    const error = await world.failure(world.atlas.stop(id));
    expect(error).toMatchObject({ code: "UNSUPPORTED", provider: "mock" });
    expect(error.message).toContain("these can: second");
  });

  it("leave the record as it is when the provider fails, and a look puts it right", async () => {
    const world = scene();
    const { atlas, failure, provider, record, clock, reap } = world;
    const id = await running(world, { idleTimeoutSeconds: null });
    provider.script("stop", "timeout-after");
    expect(await failure(atlas.stop(id))).toMatchObject({ code: "TIMEOUT", computeId: id });
    expect((await record(id)).status).toBe("running");
    await clock.advance(400);
    await reap();
    expect((await record(id)).status).toBe("stopped");
    provider.script("start", "capacity");
    expect(await failure(atlas.start(id))).toMatchObject({ code: "CAPACITY" });
    expect((await record(id)).status).toBe("stopped");
  });

  it("keep a stopped compute stopped whatever odd state the provider tells for a while", async () => {
    const world = scene();
    const { atlas, settle, provider, record, clock, reap } = world;
    const id = await running(world);
    await settle(atlas.stop(id));
    provider.setStatus("mock-1", "unknown");
    for (let round = 0; round < 4; round += 1) {
      await clock.advance(400);
      await reap();
      expect(await record(id)).toMatchObject({ status: "stopped", bootDeadline: null });
    }
  });

  it("see a stop or a start that another caller made", async () => {
    const world = scene({ mock: { bootSeconds: 10 } });
    const { provider, record, clock, reap } = world;
    const id = await running(world, { idleTimeoutSeconds: null });
    for (const status of ["stopped", "provisioning", "running"] as const) {
      provider.setStatus("mock-1", status);
      await clock.advance(301);
      await reap();
      expect((await record(id)).status).toBe(status);
    }
  });

  it("let a stopped compute end at its lifetime, and not for want of signs of life", async () => {
    const world = scene();
    const { atlas, settle, record, clock, reap } = world;
    const id = await running(world, { idleTimeoutSeconds: 60, maxLifetimeSeconds: 3600 });
    await settle(atlas.stop(id));
    await clock.advance(3000);
    await reap();
    expect((await record(id)).status).toBe("stopped");
    await clock.advance(700);
    await reap();
    expect(await record(id)).toMatchObject({ status: "terminated", reason: "max_lifetime" });
  });
});

describe("touch", () => {
  it("moves the idle deadline, and nothing else that is due", async () => {
    const world = scene();
    const { atlas, settle, clock } = world;
    const id = await running(world, { idleTimeoutSeconds: 900 });
    await clock.advance(600);
    const touched = await settle(atlas.touch(id));
    expect(touched.idleDeadline).toEqual(new Date(clock.now().getTime() + 900_000));
    expect(touched.lifetimeDeadline).toEqual(new Date(touched.createdAt.getTime() + 86_400_000));
  });

  it("is no event", async () => {
    const world = scene();
    const id = await running(world);
    const before = await world.events(id);
    await world.atlas.touch(id);
    expect(await world.events(id)).toEqual(before);
  });

  it("may come a hundred times at once", async () => {
    const world = scene();
    const id = await running(world);
    const touches = Array.from({ length: 200 }, () => world.atlas.touch(id));
    await world.settle(Promise.all(touches));
    expect((await world.record(id)).version).toBeGreaterThan(3);
  });

  it("changes nothing of a compute without an idle timeout but its last sign of life", async () => {
    const world = scene();
    const id = await running(world, { idleTimeoutSeconds: null });
    await world.clock.advance(10);
    await world.atlas.touch(id);
    expect(await world.record(id)).toMatchObject({ idleDeadline: null, lastActiveAt: world.clock.now() });
  });
});

describe("cost", () => {
  it("runs from the create to the end, not while it is stopped", async () => {
    const world = scene({ mock: { costPerHour: 3.6 } });
    const { atlas, settle, clock } = world;
    const costOf = async (id: string): Promise<number | null> => (await atlas.getCompute(id)).costSoFar;
    const id = await running(world, { gpu: "l4" });
    await clock.advance(1000);
    expect(await costOf(id)).toBeCloseTo(1);
    await settle(atlas.stop(id));
    await clock.advance(5000);
    expect(await costOf(id)).toBeCloseTo(1);
    await settle(atlas.start(id));
    await clock.advance(1000);
    expect(await costOf(id)).toBeCloseTo(2);
    await settle(atlas.terminate(id));
    await clock.advance(5000);
    expect(await costOf(id)).toBeCloseTo(2);
    expect((await world.events(id)).at(-1)?.costSoFar).toBeCloseTo(2);
  });

  it("runs while an end is not proven", async () => {
    const world = scene({ mock: { costPerHour: 3.6 } });
    const id = await running(world, { gpu: "l4" });
    world.provider.script("terminate", { fault: "ignored", times: 100 });
    await world.settle(world.atlas.terminate(id));
    await world.clock.advance(1000);
    expect((await world.atlas.getCompute(id)).costSoFar).toBeGreaterThan(1);
  });

  it("is nothing for a compute that failed before there was an instance", async () => {
    const { atlas, failure, provider, clock, record } = scene();
    provider.script("create", "balance");
    const { computeId = "" } = await failure(atlas.spawnCompute({ gpu: "l4" }));
    await clock.advance(3600);
    expect((await atlas.getCompute(computeId)).costSoFar).toBe(0);
    expect((await record(computeId)).costSince).toBeNull();
  });

  it("is null while the price is not known, and no nonsense after", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    const unpriced: Provider = {
      ...provider,
      candidates: async (...call) =>
        (await provider.candidates(...call)).map(({ costPerHour: _, ...rest }) => rest),
      create: async (...call) => {
        const { costPerHour: _, ...instance } = await provider.create(...call);
        return instance;
      },
    };
    const { spawn, settle, atlas } = scene({ clock, providers: [unpriced] });
    const compute = await spawn({ gpu: "l4" });
    expect([compute.costPerHour, compute.costSoFar]).toEqual([null, null]);
    await settle(compute.waitUntilReady());
    await clock.advance(3600);
    expect((await atlas.getCompute(compute.id)).costSoFar).toBeCloseTo(1, 2);
  });
});
