import { describe, expect, it } from "vitest";
import { AtlasError } from "../../src/errors.ts";
import { createAtlas, memoryStore } from "../../src/index.ts";
import type { Progress } from "../../src/lifecycle/context.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import { intercept, providerMethods, storeMethods } from "../support/intercept.ts";
import { recordsOf, scene, sceneOn } from "../support/scene.ts";

const down = (): never => {
  throw new AtlasError("STORE_UNAVAILABLE", "the store is down");
};

describe("law 1: a row before a pod", () => {
  it("has the instance's name in the store before the provider hears of it", async () => {
    const clock = manualClock();
    const store = memoryStore({ clock });
    const seen: unknown[] = [];
    const provider = intercept(mock({ clock }), ["create"], async (_, [request]) => {
      const [record] = await recordsOf(store);
      seen.push([
        Reflect.get(Object(request), "name"),
        record?.name,
        record?.status,
        record?.provider,
        record?.gpu,
        record?.region,
      ]);
    });
    const { spawn } = scene({ clock, store, providers: [provider] });
    const { name } = await spawn({ gpu: "l4", regions: ["mock-1"] });
    expect(seen).toEqual([[name, name, "pending", "mock", "l4", "mock-1"]]);
  });

  it("creates nothing when the row cannot be written", async () => {
    const { atlas, failure, provider, records } = scene({
      through: (store) => intercept(store, ["insert"], down),
    });
    const error = await failure(atlas.spawnCompute({}));
    expect([error.code, error.computeId]).toEqual(["STORE_UNAVAILABLE", undefined]);
    expect(provider.calls.map(({ operation }) => operation)).toEqual(["candidates"]);
    expect(await records()).toEqual([]);
  });

  it("names compute and instance when it cannot be written back, and the reaper ends the instance, whose token is lost", async () => {
    let isUp = false;
    const { atlas, failure, provider, clock, reap, record, alive } = scene({
      through: (store) => intercept(store, ["replace"], () => (isUp ? undefined : down())),
    });
    const error = await failure(atlas.spawnCompute({}));
    const [instance] = provider.instances;
    expect(error).toMatchObject({
      code: "STORE_UNAVAILABLE",
      providerId: instance?.id,
      mayHaveCreated: true,
    });
    expect(instance?.name).toBe(`atlas-default-${error.computeId}`);
    isUp = true;
    expect((await reap()).terminated).toEqual([]);
    await clock.advance(601);
    const { terminated } = await reap();
    expect(terminated).toMatchObject([{ computeId: error.computeId, reason: "abandoned" }]);
    expect(await record(error.computeId ?? "")).toMatchObject({ status: "terminated", reason: "abandoned" });
    expect(alive()).toEqual([]);
  });

  it("has every later candidate in the store before that one is asked, too", async () => {
    const clock = manualClock();
    const store = memoryStore({ clock });
    const seen: unknown[] = [];
    const inner = mock({ clock });
    inner.script("create", "capacity", "quota");
    const provider = intercept(inner, ["create"], async () => {
      seen.push((await recordsOf(store)).map(({ gpu, status }) => [gpu, status]));
    });
    await scene({ clock, store, providers: [provider] }).spawn({ gpu: "h100" });
    expect(seen).toEqual([[["h100-sxm", "pending"]], [["h100-nvl", "pending"]], [["h100-pcie", "pending"]]]);
  });
});

describe("spawning", () => {
  it("records every state and tells them in order", async () => {
    const told: string[] = [];
    const { spawn, states, events } = scene({
      onEvent: ({ status, computeId }) => told.push(`${computeId} ${status}`),
    });
    const { id } = await spawn();
    expect(await states(id)).toEqual(["pending", "provisioning"]);
    expect(told).toEqual([`${id} pending`, `${id} provisioning`]);
    expect((await events(id)).map(({ costSoFar }) => costSoFar)).toEqual([0, 0]);
    const provider = "mock";
    const data = [{ provider }, { provider, region: "mock-1" }];
    expect((await events(id)).map((event) => event.data)).toEqual(data);
  });

  it("shows its progress with the time it took", async () => {
    const steps: Progress[] = [];
    const { spawn } = scene({ mock: { latencySeconds: 2 } });
    const { id } = await spawn({ gpu: "l4" }, { onProgress: (step) => steps.push(step) });
    expect(steps.map(({ phase, elapsedSeconds }) => [phase, elapsedSeconds])).toEqual([
      ["placing", 0],
      ["creating", 2],
      ["provisioning", 4],
    ]);
    expect(steps[0]).toMatchObject({ message: "looking for a place" });
    expect(steps[1]).toMatchObject({ computeId: id, provider: "mock", message: "creating on mock l4" });
    expect(steps[2]).toMatchObject({ computeId: id, provider: "mock", message: "mock created mock-1" });
  });

  it("is not disturbed by listeners that throw or reject", async () => {
    const errors: string[] = [];
    const quiet = (): void => undefined;
    const { spawn, settle } = scene({
      onEvent: async () => Promise.reject(new Error("event")),
      logger: { debug: quiet, info: quiet, warn: quiet, error: (message) => errors.push(message) },
    });
    const compute = await spawn(
      {},
      {
        onProgress: () => {
          throw new Error("progress");
        },
      },
    );
    await settle(compute.waitUntilReady({ onProgress: async () => Promise.reject(new Error("wait")) }));
    expect(new Set(errors)).toEqual(new Set(["onProgress threw", "onEvent threw"]));
  });

  it.each([[{ onprogress: () => undefined }], [{ signal: "now" }], [{ onProgress: "log" }]])(
    "refuses %o as its options, and calls no provider",
    async (options) => {
      const { atlas, failure, provider, records } = scene();
      expect(await failure(atlas.spawnCompute({}, options as never))).toMatchObject({
        code: "VALIDATION",
        message: expect.stringContaining("options of spawnCompute"),
      });
      expect([provider.calls, await records()]).toEqual([[], []]);
    },
  );

  it("hands each provider its own options, parsed, and refuses options for one that is not configured", async () => {
    const { spawn, provider, atlas, failure, records } = scene();
    await spawn({ providerOptions: { mock: { tier: "gold" } } });
    expect(provider.instances[0]?.options).toEqual({ tier: "gold" });
    const error = await failure(
      atlas.spawnCompute({ providerOptions: JSON.parse('{"runpod":{"cloud":"SECURE"}}') }),
    );
    expect(error.message).toMatch(/^The request .*providerOptions: got "runpod"; allowed: mock/s);
    expect(await records()).toHaveLength(1);
  });

  it("hands two providers each its own options, and refuses options for a provider that has none", async () => {
    const clock = manualClock();
    const [first, second] = [mock({ clock }), mock({ clock, name: "second" })];
    const { parseOptions: _, ...plain } = mock({ clock, name: "plain" });
    const { spawn, atlas, failure, records } = scene({ clock, providers: [first, second, plain] });
    await spawn({ providerOptions: JSON.parse('{"mock":{"tier":"gold"},"second":{"tier":"tin"}}') });
    expect(first.instances[0]?.options).toEqual({ tier: "gold" });
    const error = await failure(
      atlas.spawnCompute({ providerOptions: JSON.parse('{"plain":{"tier":"x"}}') }),
    );
    expect(error).toMatchObject({ code: "VALIDATION" });
    expect(error.message).toMatch(/^The request .*providerOptions\.plain: got .*nothing: it has no options/s);
    expect(await records()).toHaveLength(1);
  });

  it("tells the pod its compute, its owner, its deadline and the pages that may call it", async () => {
    const { spawn, provider, store } = scene();
    const { id } = await spawn({
      maxLifetimeSeconds: 3600,
      origins: ["https://a.example", "https://b.example"],
    });
    await spawn({ maxLifetimeSeconds: null });
    const [bounded, endless] = provider.instances.map(({ env }) => env);
    expect(bounded).toMatchObject({
      ATLAS_COMPUTE_ID: id,
      ATLAS_OWNER: await store.identity(),
      ATLAS_DEADLINE: "2026-01-01T01:00:00.000Z",
      ATLAS_ORIGINS: "https://a.example,https://b.example",
    });
    for (const name of ["ATLAS_DEADLINE", "ATLAS_ORIGINS"]) expect(endless).not.toHaveProperty(name);
  });

  it("asks for everything that was asked for", async () => {
    const clock = manualClock();
    const asked: unknown[] = [];
    const provider = intercept(mock({ clock }), ["create"], (_, [request]) => asked.push(request));
    await scene({ clock, providers: [provider] }).spawn({
      ...{
        gpu: "l4",
        gpuCount: 2,
        image: "ghcr.io/me/server:1",
        command: ["serve"],
        ports: [8000],
        env: { A: "b" },
      },
      ...{ regions: ["mock-1"], cpus: 4, memoryGb: 8, diskGb: 50, volumeGb: 20, networkVolumeId: "vol_1" },
      ...{ volumePath: "/workspace", metadata: { plan: "pro" }, maxCostPerHour: 4 },
    });
    expect(asked).toMatchObject([
      {
        ...{ gpus: ["l4"], gpuCount: 2, image: "ghcr.io/me/server:1", command: ["serve"], env: { A: "b" } },
        ...{
          ports: [{ internal: 8000, protocol: "http" }],
          regions: ["mock-1"],
          cpus: 4,
          memoryGb: 8,
          diskGb: 50,
        },
        ...{ volumeGb: 20, networkVolumeId: "vol_1", volumePath: "/workspace", metadata: { plan: "pro" } },
        candidate: { gpu: "l4", region: "mock-1", costPerHour: 2 },
      },
    ]);
    const [request] = asked;
    for (const key of ["auth", "idempotencyKey", "providerOptions"]) expect(request).not.toHaveProperty(key);
  });

  it("makes a thousand at once, each exactly one", async () => {
    const { atlas, settle, provider } = scene({ mock: { latencySeconds: 0.1 } });
    const computes = await settle(Promise.all(Array.from({ length: 1000 }, () => atlas.spawnCompute({}))));
    expect(new Set(computes.map(({ id }) => id)).size).toBe(1000);
    expect(new Set(provider.instances.map(({ name }) => name)).size).toBe(1000);
    expect(provider.instances).toHaveLength(1000);
  });

  it("asks the store nothing more than it needs", async () => {
    const calls: string[] = [];
    const clock = manualClock();
    const store = intercept(memoryStore({ clock }), storeMethods, (method) => calls.push(method));
    await scene({ clock, store }).spawn();
    expect(calls).toEqual(["identity", "now", "insert", "get", "replace"]);
  });
});

describe("a provider that breaks its contract", () => {
  it.each(["text", undefined, null, 42, new Error("odd"), { code: "CAPACITY" }])(
    "and throws %s from candidates fails the spawn in words, with nothing stored",
    async (thrown) => {
      const clock = manualClock();
      const provider = intercept(mock({ clock }), ["candidates"], () => {
        throw thrown;
      });
      const { atlas, failure, records } = scene({ clock, providers: [provider] });
      expect(await failure(atlas.spawnCompute({}))).toMatchObject({ code: "PROVIDER", provider: "mock" });
      expect(await records()).toEqual([]);
    },
  );

  it.each(["failed", "terminated"] as const)(
    "and answers a create with an instance that is %s already is a failed boot",
    async (status) => {
      const clock = manualClock();
      const provider = mock({ clock });
      const { create } = provider;
      provider.create = async (...call) => ({ ...(await create(...call)), status });
      const { atlas, failure, record, alive } = scene({ clock, providers: [provider] });
      const error = await failure(atlas.spawnCompute({}));
      const { computeId = "", message } = error;
      expect(error).toMatchObject({ code: "BOOT_FAILED", provider: "mock", providerId: "mock-1" });
      expect(message).toBe(`mock could not boot compute ${computeId}: it gave no reason`);
      expect((await record(computeId)).status).toBe("terminated");
      expect(alive()).toEqual([]);
    },
  );

  it("and answers a create with a failed instance tells its last lines, in the error and in the event, without a secret", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    const { create } = provider;
    provider.create = async (request, context) => {
      const instance = await create(request, context);
      provider.log("mock-1", `no memory left; ${JSON.stringify(request.env)}`);
      return { ...instance, status: "failed" };
    };
    const { atlas, failure, events } = scene({ clock, providers: [provider] });
    const { computeId = "", message, details } = await failure(atlas.spawnCompute({}));
    expect(message).toMatch(/it gave no reason\. Its last log lines:\n.*no memory left/);
    const { ATLAS_PRESHARED_KEY: token = "" } = provider.instances[0]?.env ?? {};
    expect(token).toHaveLength(43);
    const told = (await events(computeId)).flatMap(({ data }) => data.logs ?? []);
    expect(told).toEqual([expect.stringContaining("no memory left")]);
    expect(JSON.stringify([message, details, told])).not.toContain(token);
  });

  it("and hangs is given up after its time", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    provider.script("candidates", "hang");
    const atlas = createAtlas({ providers: [provider], clock });
    const { failure, records } = sceneOn({ clock, provider, atlas, store: memoryStore({ clock }) });
    expect(await failure(atlas.spawnCompute({}))).toMatchObject({
      ...{ code: "TIMEOUT", provider: "mock", message: "mock did not answer candidates in 60 seconds" },
    });
    expect(await records()).toEqual([]);
    expect(providerMethods).toContain("candidates");
  });
});
