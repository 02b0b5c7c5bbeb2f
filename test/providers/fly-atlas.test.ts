import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Atlas, createAtlas } from "../../src/index.ts";
import { loadRetry } from "../../src/internal/retry.ts";
import { loadLifecycle } from "../../src/load-lifecycle.ts";
import type { SpawnRequest } from "../../src/request.ts";
import { flyContract } from "../fakes/fly-contract.ts";
import { failureOf } from "../support/scene.ts";
import { type FlyScene, flyScene } from "./fly-subject.ts";

const request: SpawnRequest = {
  image: "ghcr.io/acme/server:1",
  ports: [8000],
  regions: ["fra", "ams"],
  userId: "user_42",
};

function tenantOf({ provider, clock }: FlyScene): Atlas {
  return createAtlas({ providers: [provider], clock, fetch: async () => new Response("ok") });
}

// On a clock that does not wait for them, loading modules would look like a provider that does not answer.
beforeAll(() => Promise.all([loadLifecycle(), loadRetry(), import("ky")]));

describe("a compute on Fly", () => {
  test("has a URL for the browser at once, and holds the token that the caller got", async () => {
    await using scene = await flyScene();
    const compute = await scene.clock.settle(tenantOf(scene).spawnCompute(request));
    expect(compute.url(8000, "/v1")).toBe(`https://atlas-default-${compute.id}.fly.dev/v1`);
    const [found] = scene.fake.cloud.machines;
    expect(found?.machine.config.env?.ATLAS_PRESHARED_KEY).toBe(compute.auth?.token);
    expect(JSON.stringify(compute)).not.toContain(compute.auth?.token);
  });

  test("goes to the next region when the first is full, under its one name", async () => {
    await using scene = await flyScene();
    scene.fake.fullRegions.add("fra");
    const compute = await scene.clock.settle(tenantOf(scene).spawnCompute(request));
    expect(compute.region).toBe("ams");
    expect(scene.fake.cloud.apps.map(({ name }) => name)).toEqual([compute.name]);
  });

  test("is nowhere when every region is full, and the error lists them", async () => {
    await using scene = await flyScene();
    scene.fake.fullRegions.add("fra").add("ams");
    const spawning = scene.clock.settle(tenantOf(scene).spawnCompute(request));
    await expect(spawning).rejects.toMatchObject({
      code: "CAPACITY",
      candidates: [{ region: "fra" }, { region: "ams" }],
    });
    expect(scene.fake.cloud.apps).toEqual([]);
  });

  test("ends with its exit code when its program crashes, though Fly's list does not show the code", async () => {
    await using scene = await flyScene();
    const { clock, fake } = scene;
    const atlas = tenantOf(scene);
    const { id } = await clock.settle(atlas.spawnCompute(request));
    await clock.advance(30);
    await clock.settle(atlas.reap());
    const { status, providerId } = await clock.settle(atlas.getCompute(id));
    expect(status).toBe("running");
    fake.machine(providerId ?? "").exit(3);
    await clock.advance(300);
    await clock.settle(atlas.reap());
    const { reason, lastError } = await clock.settle(atlas.getCompute(id));
    expect([reason, lastError]).toEqual(["exited", expect.stringContaining("exit code 3")]);
  });

  test.each(["error-after", "connection-after", "unreadable-after"] as const)(
    "is not made twice when the answer to its create is lost (%s)",
    async (fault) => {
      await using scene = await flyScene();
      scene.fake.fault("createMachine", fault);
      const compute = await scene.clock.settle(tenantOf(scene).spawnCompute(request));
      expect(scene.fake.cloud.createdNames).toEqual([compute.name]);
      expect(compute.providerId).toBe(scene.fake.cloud.machines[0]?.machine.id);
    },
  );

  test.each([
    ["never came", (scene: FlyScene) => scene.fake.fault("createMachine", "connection-before")],
    [
      "found no room, and left an app that could not be removed",
      ({ fake }: FlyScene) => {
        fake.fullRegions.add("fra").add("ams");
        fake.fault("deleteApp", "error-before", 9);
      },
    ],
  ])("whose machine %s is uncertain, then failed and gone, app and all", async (_, goWrong) => {
    await using scene = await flyScene();
    goWrong(scene);
    const atlas = tenantOf(scene);
    const { code, computeId = "" } = await failureOf(scene.clock.settle(atlas.spawnCompute(request)));
    expect(code).toBe("UNCERTAIN");
    scene.fake.heal();
    for (let pass = 0; pass < 3; pass += 1) {
      await scene.clock.advance(121);
      await scene.clock.settle(atlas.reap());
    }
    expect(await scene.clock.settle(atlas.getCompute(computeId))).toMatchObject({
      status: "terminated",
      reason: "failed",
    });
    expect(scene.fake.cloud.apps).toEqual([]);
  });

  test("in a shared app has no URL for a browser, and says why", async () => {
    await using scene = await flyScene({ app: "computes" });
    const compute = await scene.clock.settle(tenantOf(scene).spawnCompute(request));
    expect(() => compute.url(8000)).toThrow(
      expect.objectContaining({
        code: "UNSUPPORTED",
        message: expect.stringContaining("fly-force-instance-id"),
      }),
    );
    expect(compute.ports).toMatchObject([
      { url: "https://computes.fly.dev", headers: { "fly-force-instance-id": compute.providerId } },
    ]);
  });

  test("with a GPU is refused, naming the providers with it", async () => {
    await using scene = await flyScene();
    const spawning = tenantOf(scene).spawnCompute({ ...request, gpu: "h100" });
    await expect(scene.clock.settle(spawning)).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining("Fly ended GPUs on 2026-08-01"),
    });
    expect(scene.fake.exchanges).toEqual([]);
  });
});

afterAll(() => {
  expect(flyContract?.violations ?? []).toEqual([]);
});
