import { describe, expect, test } from "vitest";
import { createAtlas, memoryStore } from "../../src/index.ts";
import { flyContract } from "../fakes/fly-contract.ts";
import { failureOf } from "../support/scene.ts";
import { flyScene, quietContext } from "./fly-subject.ts";

const request = {
  image: "ghcr.io/acme/server:1",
  regions: ["fra"],
  idleTimeoutSeconds: null,
  maxLifetimeSeconds: null,
};

describe("account", () => {
  test("is the organization of the token, whichever token of it", async () => {
    await using scene = await flyScene();
    const ask = () => scene.clock.settle(scene.provider.account(quietContext()));
    expect(await ask()).toBe("org-4711");
    scene.fake.organization = "org-9";
    expect(await ask()).toBe("org-9");
    expect(flyContract?.violations ?? []).toEqual([]);
  });

  test.each([401, 403, 404])("is not known for a token that Fly does not describe (%i)", async (status) => {
    await using scene = await flyScene();
    scene.fake.fault("currentToken", { status, error: "not a macaroon" }, 9);
    expect(await scene.clock.settle(scene.provider.account(quietContext()))).toBeUndefined();
  });

  test("is an error while Fly does not answer, and no other account", async () => {
    await using scene = await flyScene();
    scene.fake.fault("currentToken", "error-before", 99);
    const error = await scene.clock.settle(failureOf(scene.provider.account(quietContext())));
    expect(error).toMatchObject({ code: "PROVIDER" });
  });
});

describe("a region that does not answer", () => {
  test("settles no create whose machine may be there, and ends no app", async () => {
    await using scene = await flyScene();
    const { clock, fake, provider } = scene;
    const store = memoryStore({ clock });
    const silent = (): void => undefined;
    const logger = { debug: silent, info: silent, warn: silent, error: silent };
    const atlas = createAtlas({ providers: [provider], clock, store, logger });
    const running = await clock.settle(atlas.spawnCompute(request));
    fake.fault("createMachine", "connection-after");
    fake.fault("listMachines", "error-before", 99);
    const { computeId = "" } = await clock.settle(failureOf(atlas.spawnCompute(request)));
    fake.heal();
    fake.silentRegions.add("fra");
    for (let pass = 0; pass < 6; pass += 1) {
      await clock.advance(301);
      const { settled, terminated, vanished, orphans } = await clock.settle(atlas.reap());
      expect({ settled, terminated, vanished, orphans }).toEqual({
        ...{ settled: [], terminated: [], vanished: [], orphans: [] },
      });
    }
    expect((await store.get("default", computeId))?.record.status).toBe("uncertain");
    expect((await store.get("default", running.id))?.record.status).toBe("running");
    fake.silentRegions.clear();
    for (let pass = 0; pass < 2; pass += 1) {
      await clock.advance(301);
      await clock.settle(atlas.reap());
    }
    expect((await store.get("default", computeId))?.record.status).toBe("running");
    expect(fake.cloud.machines).toHaveLength(2);
  });
});
