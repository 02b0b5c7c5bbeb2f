import { describe, expect, test } from "vitest";
import type { Instance } from "../../src/provider.ts";
import { flyRefusals } from "../fakes/fly-refusals.ts";
import { createRequest, type FlyScene, flyScene, machinePlacement, quietContext } from "./fly-subject.ts";

const context = quietContext();

async function running(scene: FlyScene, options?: unknown): Promise<Instance> {
  const request = createRequest({ ...machinePlacement, options });
  const created = await scene.clock.settle(scene.provider.create(request, context));
  await scene.clock.advance(30);
  return created;
}

function terminate(scene: FlyScene, reference: { name: string; providerId?: string }): Promise<void> {
  return scene.clock.settle(scene.provider.terminate(reference, context));
}

describe("the ladder of an end", () => {
  test("is the machine, then its app with everything in it", async () => {
    await using scene = await flyScene();
    const created = await running(scene);
    scene.fake.exchanges.length = 0;
    await terminate(scene, created);
    expect(scene.fake.exchanges.map(({ operation, query }) => [operation, query.force])).toEqual([
      ["deleteMachine", "true"],
      ["listMachines", undefined],
      ["deleteApp", "true"],
    ]);
    await scene.clock.advance(10);
    expect(scene.fake.cloud.apps).toEqual([]);
  });

  test.each([
    ["is gone", { status: 404, error: "machine not found" }],
    ["cannot be ended", flyRefusals.serverError],
    ["is leased to another caller", flyRefusals.leaseHeld],
    ["is hidden from us", flyRefusals.forbidden],
  ])("goes on to the app when the machine %s", async (_, refusal) => {
    for (const withId of [true, false]) {
      await using scene = await flyScene();
      const { name, providerId } = await running(scene);
      scene.fake.fault("deleteMachine", refusal, 10);
      await terminate(scene, withId ? { name, providerId } : { name });
      await scene.clock.advance(10);
      expect(scene.fake.cloud.apps).toEqual([]);
    }
  });

  test("goes on to the app when its machines cannot be listed", async () => {
    await using scene = await flyScene();
    const { name } = await running(scene);
    scene.fake.fault("listMachines", flyRefusals.serverError, 10);
    await terminate(scene, { name });
    await scene.clock.advance(10);
    expect(scene.fake.cloud.apps).toEqual([]);
  });

  test("is success when the app is gone already", async () => {
    await using scene = await flyScene();
    const created = await running(scene);
    await terminate(scene, created);
    await scene.clock.advance(10);
    await terminate(scene, created);
    await terminate(scene, { name: created.name });
  });

  test("does not take a machine that is not shown for ended while its app is new", async () => {
    await using scene = await flyScene();
    const created = await running(scene);
    const [app] = scene.fake.cloud.apps;
    app?.machines.splice(0);
    const shown = await scene.clock.settle(scene.provider.get(created, context));
    expect(shown).toMatchObject({ providerId: created.providerId, status: "provisioning" });
  });

  test("is an error as long as the app cannot be ended, and the instance is there until it is", async () => {
    await using scene = await flyScene();
    const created = await running(scene);
    scene.fake.fault("deleteApp", flyRefusals.serverError, 4);
    await expect(terminate(scene, created)).rejects.toMatchObject({ code: "PROVIDER" });
    await scene.clock.advance(10);
    const remains = await scene.clock.settle(scene.provider.get(created, context));
    expect(remains).toMatchObject({ providerId: created.providerId, status: "failed" });
    await terminate(scene, created);
    await scene.clock.advance(10);
    expect(await scene.clock.settle(scene.provider.get(created, context))).toBeUndefined();
  });

  test("spares the app when another machine is in it", async () => {
    await using scene = await flyScene();
    const created = await running(scene);
    const [app] = scene.fake.cloud.apps;
    if (app === undefined) throw new Error("there is no app");
    const other = scene.fake.cloud.addMachine(app, created.name, "fra", { image: "x" });
    await terminate(scene, created);
    await scene.clock.advance(10);
    expect(app.liveMachines).toEqual([other]);
    expect(await scene.clock.settle(scene.provider.get(created, context))).toMatchObject({
      status: "terminated",
    });
  });

  test("is one rung in a shared app, which stays", async () => {
    await using scene = await flyScene({ app: "computes" });
    const created = await running(scene);
    scene.fake.fault("deleteMachine", flyRefusals.serverError, 4);
    await expect(terminate(scene, created)).rejects.toMatchObject({ code: "PROVIDER" });
    await terminate(scene, created);
    await scene.clock.advance(10);
    const app = scene.fake.cloud.app("computes");
    expect(app.liveMachines).toEqual([]);
  });

  test("is success where Fly refuses to end a machine of a shared app that has ended already", async () => {
    for (const withId of [true, false]) {
      await using scene = await flyScene({ app: "computes" });
      const { name, providerId } = await running(scene);
      scene.fake.cloud.destroy(scene.fake.machine(providerId));
      await scene.clock.advance(30);
      const refusal = { status: 409, error: "aborted: the machine is being destroyed" };
      scene.fake.fault("deleteMachine", refusal, 4);
      await terminate(scene, withId ? { name, providerId } : { name });
    }
  });

  test("stays refused while the machine of a shared app lives", async () => {
    await using scene = await flyScene({ app: "computes" });
    const created = await running(scene);
    scene.fake.fault("deleteMachine", flyRefusals.leaseHeld, 4);
    await expect(terminate(scene, created)).rejects.toMatchObject({ code: "CONFLICT" });
  });
});

describe("an app that is empty", () => {
  test("because another program destroyed the machine is still an instance, and does not leak", async () => {
    await using scene = await flyScene();
    const created = await running(scene);
    scene.fake.cloud.destroy(scene.fake.machine(created.providerId));
    await scene.clock.advance(120);
    const { provider, clock } = scene;
    const shown = [
      await clock.settle(provider.get(created, context)),
      ...(await clock.settle(provider.list({ namePrefix: "atlas-" }, context))),
      ...(await clock.settle(provider.find(created.name, context))),
    ];
    expect(shown.map((instance) => [instance?.name, instance?.status])).toEqual(
      Array(3).fill([created.name, "failed"]),
    );
    await terminate(scene, created);
    await clock.advance(10);
    expect(scene.fake.cloud.apps).toEqual([]);
  });
});

describe("stop and start", () => {
  test("a stop waits until the machine has stopped, so that a start right after it works", async () => {
    await using scene = await flyScene();
    const created = await running(scene);
    await scene.clock.settle(scene.provider.stop(created, context));
    await scene.clock.settle(scene.provider.start(created, context));
    await scene.clock.advance(5);
    expect(await scene.clock.settle(scene.provider.get(created, context))).toMatchObject({
      status: "running",
    });
  });

  test("stopMode suspend keeps the memory", async () => {
    await using scene = await flyScene();
    const created = await running(scene, { stopMode: "suspend" });
    await scene.clock.settle(scene.provider.stop(created, context));
    expect(scene.fake.machine(created.providerId).state).toBe("suspended");
  });

  test("a stop that takes longer than we wait is no error", async () => {
    await using scene = await flyScene({}, { timing: { stopSeconds: 300 } });
    const created = await running(scene);
    await scene.clock.settle(scene.provider.stop(created, context));
    expect(scene.fake.machine(created.providerId).state).toBe("stopping");
  });

  test.each([
    { status: 422, error: "could not find a candidate host", code: "insufficient_capacity" },
    "error-before",
  ] as const)("a stop that Fly accepted is success, whatever the wait for it meets: %o", async (fault) => {
    await using scene = await flyScene();
    const created = await running(scene);
    scene.fake.fault("wait", fault, 9);
    await scene.clock.settle(scene.provider.stop(created, context));
    expect(["stopping", "stopped"]).toContain(scene.fake.machine(created.providerId).state);
  });

  test("a stop whose answer is lost is success when the machine stopped", async () => {
    await using scene = await flyScene();
    const created = await running(scene);
    scene.fake.fault("stop", "error-after", 1);
    await scene.clock.settle(scene.provider.stop(created, context));
    expect(scene.fake.machine(created.providerId).state).toBe("stopped");
  });

  test("of a machine that is gone is NOT_FOUND", async () => {
    await using scene = await flyScene();
    const created = await running(scene);
    scene.fake.cloud.destroy(scene.fake.machine(created.providerId));
    await scene.clock.advance(10);
    for (const call of [scene.provider.stop, scene.provider.start])
      for (const reference of [created, { name: created.name }, { name: "atlas-default-x" }])
        await expect(scene.clock.settle(call(reference, context))).rejects.toMatchObject({
          code: "NOT_FOUND",
        });
  });

  test("by name alone finds the machine", async () => {
    await using scene = await flyScene();
    const { name, providerId } = await running(scene);
    await scene.clock.settle(scene.provider.stop({ name }, context));
    expect(scene.fake.machine(providerId).state).toBe("stopped");
  });
});

describe("a program that ends by itself", () => {
  test("is a failure, with its exit code", async () => {
    await using scene = await flyScene();
    const created = await running(scene);
    scene.fake.machine(created.providerId).exit(137, true);
    expect(await scene.clock.settle(scene.provider.get(created, context))).toMatchObject({
      status: "failed",
      message: "the program ended with exit code 137, out of memory",
    });
  });
});
