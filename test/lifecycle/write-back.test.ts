import { describe, expect, it } from "vitest";
import { AtlasError } from "../../src/errors.ts";
import type { Instance } from "../../src/provider.ts";
import { type MockProvider, manualClock, mock } from "../../src/providers/mock/index.ts";
import type { Store } from "../../src/store.ts";
import { intercept } from "../support/intercept.ts";
import { scene } from "../support/scene.ts";

/** The store, whose writes fail so many times once the create was answered. */
function failingAfterCreate(provider: () => MockProvider, times: number): (store: Store) => Store {
  let left = times;
  return (store) =>
    intercept(store, ["replace"], () => {
      if (left === 0 || provider().instances.length === 0) return;
      left -= 1;
      throw new AtlasError("STORE_UNAVAILABLE", "the connection was reset");
    });
}

describe("the write-back after a create", () => {
  it.each([1, 3, 5])(
    "is repeated within the call when the store fails %i times: pod and token are not lost",
    async (times) => {
      let cloud: MockProvider | undefined;
      const through = failingAfterCreate(() => cloud ?? mock(), times);
      const stage = scene({ through });
      cloud = stage.provider;
      const compute = await stage.spawn({ userId: "u" });
      expect(compute).toMatchObject({ status: "provisioning", providerId: "mock-1" });
      expect(await stage.atlas.verifyToken(compute.id, compute.auth?.token)).toBe(true);
      expect(await stage.states(compute.id)).toEqual(["pending", "provisioning"]);
      expect(stage.alive()).toHaveLength(1);
    },
  );

  it("gives up after half a minute, and says that a pod may exist and which", async () => {
    let cloud: MockProvider | undefined;
    const stage = scene({ through: failingAfterCreate(() => cloud ?? mock(), 1e6) });
    cloud = stage.provider;
    const begin = stage.clock.now().getTime();
    const error = await stage.failure(stage.atlas.spawnCompute({}));
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", providerId: "mock-1", mayHaveCreated: true });
    expect(stage.clock.now().getTime() - begin).toBeLessThan(60_000);
  });

  it.each([
    new AtlasError("CONFLICT", "another deployment owns this store"),
    new AtlasError("RATE_LIMIT", "an answer that is no store's", { retryable: true }),
    new AtlasError("STORE_UNAVAILABLE", "it has no such table", { retryable: false }),
  ])("is not repeated where that cannot help: %s", async (error) => {
    let tries = 0;
    const { atlas, failure, clock } = scene({
      through: (store) =>
        intercept(store, ["replace"], () => {
          tries += 1;
          throw error;
        }),
    });
    const begin = clock.now().getTime();
    expect(await failure(atlas.spawnCompute({}))).toMatchObject({
      ...{ code: error.code, provider: "mock", providerId: "mock-1", mayHaveCreated: true },
    });
    expect([tries, clock.now().getTime() - begin]).toEqual([1, 0]);
  });

  it("tells of each try that failed, and of a refusal that could not be recorded at all, but throws the refusal", async () => {
    const lines: unknown[][] = [];
    const ignore = (): void => undefined;
    const note = (...line: unknown[]): void => void lines.push(line);
    const { atlas, failure, provider } = scene({
      logger: { debug: ignore, info: ignore, warn: note, error: note },
      through: (store) =>
        intercept(store, ["replace"], () => {
          throw new AtlasError("STORE_UNAVAILABLE", "the connection was reset");
        }),
    });
    provider.script("create", "balance");
    const { code, computeId } = await failure(atlas.spawnCompute({}));
    expect(code).toBe("BILLING");
    const error = "the connection was reset";
    expect(lines.length).toBeGreaterThan(5);
    expect(lines[0]).toEqual([
      `compute ${computeId} could not be recorded yet: trying again`,
      { computeId, error },
    ]);
    expect(lines.at(-1)).toEqual([
      `compute ${computeId} could not be marked as failed`,
      { computeId, error: `STORE_UNAVAILABLE: ${error}` },
    ]);
  });

  it("of a refusal is repeated, too, so that the user is not locked out", async () => {
    let left = 2;
    const through = (store: Store): Store =>
      intercept(store, ["replace"], () => {
        left -= 1;
        if (left >= 0) throw new AtlasError("STORE_UNAVAILABLE", "the connection was reset");
      });
    const { atlas, failure, provider, spawn } = scene({ through, limits: { computesPerUser: 1 } });
    provider.script("create", "balance");
    expect(await failure(atlas.spawnCompute({ userId: "u" }))).toMatchObject({ code: "BILLING" });
    expect(await spawn({ userId: "u" })).toMatchObject({ isNew: true });
  });
});

describe("an answer that names another instance", () => {
  it("of a create is not adopted: ours is looked up by its name", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    const stranger = provider.add({ name: "production-database", owner: "another" });
    const lying = {
      ...provider,
      create: async (...given: Parameters<MockProvider["create"]>): Promise<Instance> => {
        const instance = await provider.create(...given);
        return { ...instance, name: stranger.name, providerId: stranger.providerId };
      },
    };
    const { spawn, atlas, settle } = scene({ clock, providers: [lying] });
    const compute = await spawn();
    expect(compute.providerId).not.toBe(stranger.providerId);
    await settle(atlas.terminate(compute.id));
    expect(provider.instances.find(({ name }) => name === stranger.name)?.status).not.toBe("terminated");
    expect(provider.calls.filter(({ operation }) => operation === "create")).toHaveLength(1);
  });

  it("of a create is named in the error when ours does not turn up", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    const stranger = provider.add({ name: "production-database", owner: "another" });
    const lying = { ...provider, create: async (): Promise<Instance> => ({ ...stranger, raw: {} }) };
    const { atlas, failure, record } = scene({ clock, providers: [lying] });
    const { code, message, computeId = "" } = await failure(atlas.spawnCompute({}));
    expect(code).toBe("UNCERTAIN");
    const said = `mock answered the create of compute ${computeId} with instance "${stranger.providerId}" named "production-database"`;
    expect(message).toContain(`${said}, not atlas-default-${computeId}`);
    expect(await record(computeId)).toMatchObject({ status: "uncertain", providerId: null });
  });

  it("of a look does not end, and does not describe, the compute", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    const lying = {
      ...provider,
      get: async (...given: Parameters<MockProvider["get"]>): Promise<Instance | undefined> => {
        const instance = await provider.get(...given);
        return instance && { ...instance, name: "production-database", status: "terminated" as const };
      },
    };
    const { spawn, settle } = scene({ clock, providers: [lying], fetch: provider.fetch });
    const compute = await spawn();
    await clock.advance(30);
    await settle(compute.waitUntilReady());
    expect(compute.status).toBe("running");
  });
});

describe("an outage of one provider's catalogue", () => {
  it.each(["timeout-before", "connection-before", "error-before", "rate-limit"] as const)(
    "(%s) moves on to the next provider, because nothing was created",
    async (fault) => {
      const clock = manualClock();
      const [first, second] = [mock({ clock }), mock({ clock, name: "second" })];
      const { spawn } = scene({ clock, providers: [first, second] });
      first.script("candidates", { fault, times: 10 });
      expect(await spawn()).toMatchObject({ provider: "second" });
    },
  );

  it("is the error of the spawn when the other providers cannot serve it, whatever their order", async () => {
    const clock = manualClock();
    const [full, down] = [mock({ clock, name: "full" }), mock({ clock, name: "down" })];
    for (const providers of [
      [full, down],
      [down, full],
    ]) {
      full.script("candidates", "capacity");
      down.script("candidates", { fault: "error-before", times: 10 });
      const { atlas, failure } = scene({ clock, providers });
      const error = await failure(atlas.spawnCompute({}));
      expect(error).toMatchObject({ code: "PROVIDER", provider: "down" });
      expect(error.candidates?.map(({ provider }) => provider)).toEqual(providers.map(({ name }) => name));
      down.heal("candidates");
    }
  });

  it("is the error of the spawn when no provider offers anything", async () => {
    const { atlas, failure, provider, records } = scene();
    provider.script("candidates", { fault: "error-before", times: 10 });
    const error = await failure(atlas.spawnCompute({}));
    expect(error).toMatchObject({ code: "PROVIDER", candidates: [{ provider: "mock", code: "PROVIDER" }] });
    expect(await records()).toEqual([]);
  });
});
