import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { scene } from "../support/scene.ts";

const request = { gpu: "l4", env: { A: "1", B: "2" }, idempotencyKey: "checkout-9" };

describe("an idempotency key", () => {
  it("answers a repeated call with the same compute, without its token", async () => {
    const { spawn, provider } = scene();
    const first = await spawn(request);
    const again = await spawn(request);
    expect([again.id, again.providerId, again.isNew]).toEqual([first.id, first.providerId, false]);
    expect(again.auth).toMatchObject({ schemes: ["bearer"], hash: first.auth?.hash });
    expect([again.auth?.token, again.auth?.header, again.raw]).toEqual([undefined, undefined, undefined]);
    expect(provider.instances).toHaveLength(1);
  });

  it("takes the order of names in objects, and another spelling, for the same request", async () => {
    const { spawn } = scene();
    const first = await spawn({ ...request, ports: [8000] });
    const again = await spawn({
      idempotencyKey: "checkout-9",
      ports: ["8000/http"],
      env: { B: "2", A: "1" },
      gpu: ["l4"],
      gpuCount: 1,
    });
    expect(again.id).toBe(first.id);
  });

  it.each([
    { gpu: "a10" },
    { env: { A: "1", B: "3" } },
    { userId: "u" },
    { ports: [8000] },
    { auth: "none" as const },
    { providerOptions: { mock: { tier: "x" } } },
    { idleTimeoutSeconds: 60 },
    { maxLifetimeSeconds: 60 },
    { maxExtendedLifetimeSeconds: 90_000 },
    { bootTimeoutSeconds: 60 },
    { warnBeforeEndSeconds: 60 },
  ])("is a CONFLICT with another request: %o", async (change) => {
    const { spawn, atlas, failure, provider } = scene();
    const { id } = await spawn(request);
    const error = await failure(atlas.spawnCompute({ ...request, ...change }));
    expect(error).toMatchObject({ code: "CONFLICT", computeId: id });
    expect(error.message).toContain("checkout-9");
    expect(provider.instances).toHaveLength(1);
  });

  it("makes one compute of calls at the same time, and one of them gets the token", async () => {
    const { atlas, settle, provider } = scene({ mock: { latencySeconds: 1 } });
    const computes = await settle(Promise.all(Array.from({ length: 20 }, () => atlas.spawnCompute(request))));
    expect(new Set(computes.map(({ id }) => id)).size).toBe(1);
    expect(computes.filter(({ auth }) => auth?.token !== undefined)).toHaveLength(1);
    expect(computes.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(provider.instances).toHaveLength(1);
  });

  it("is refused for another request at the same time, too", async () => {
    const { atlas, settle, provider } = scene({ mock: { latencySeconds: 1 } });
    const calls = ["l4", "a10"].map((gpu) => atlas.spawnCompute({ ...request, gpu }));
    const results = await settle(Promise.allSettled(calls));
    expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(results.find(({ status }) => status === "rejected")).toMatchObject({
      reason: { code: "CONFLICT" },
    });
    expect(provider.instances).toHaveLength(1);
  });

  it("goes on naming a compute that has ended", async () => {
    const { spawn, atlas, settle } = scene();
    const { id } = await spawn(request);
    await settle(atlas.terminate(id));
    expect(await spawn(request)).toMatchObject({ id, status: "terminated" });
  });

  it.each(["capacity", "balance", "bad-key"] as const)(
    "is free again after a refusal (%s): the repeated call spawns, with its token",
    async (fault) => {
      const { spawn, atlas, failure, provider, record } = scene();
      provider.script("create", { fault, times: 10 });
      const error = await failure(atlas.spawnCompute(request));
      provider.heal("create");
      expect(await record(String(error.computeId))).toMatchObject({ status: "failed", idempotencyKey: null });
      const again = await spawn(request);
      expect(again).toMatchObject({ isNew: true });
      expect(again.auth?.token).toBeDefined();
      expect(await spawn(request)).toMatchObject({ id: again.id, isNew: false });
    },
  );

  it("asks no provider and no limit for a repeated call", async () => {
    const { spawn, provider } = scene({ limits: { computes: 1 } });
    await spawn(request);
    const before = provider.calls.length;
    await spawn(request);
    expect(provider.calls).toHaveLength(before);
  });

  it("is of its namespace alone", async () => {
    const first = scene({ namespace: "one" });
    const second = scene({ namespace: "two", clock: first.clock, store: first.store });
    const ids = [await first.spawn(request), await second.spawn(request)].map(({ id }) => id);
    expect(new Set(ids).size).toBe(2);
  });

  it("tells one slot of a user from another", async () => {
    const { spawn, atlas, failure } = scene();
    const { id } = await spawn({ ...request, userId: "u", slot: "first" });
    const other = { ...request, userId: "u", slot: "second" };
    expect(await failure(atlas.spawnCompute(other))).toMatchObject({ code: "CONFLICT", computeId: id });
  });

  it("knows a request again that a version without the later fields recorded", async () => {
    const { spawn, record, store } = scene();
    const { id } = await spawn({ gpu: "l4", idempotencyKey: "old" });
    const asked = {
      ...{ auth: ["bearer"], env: {}, gpuCount: 1, gpus: ["l4"], idleTimeoutSeconds: 1800 },
      ...{ maxLifetimeSeconds: 86_400, metadata: {}, origins: [], ports: [], providerOptions: {} },
      ...{ regions: [], userId: null },
    };
    const hash = createHmac("sha256", await store.identity())
      .update(JSON.stringify(asked))
      .digest("hex");
    expect((await record(id)).requestHash).toBe(hash);
  });

  it("that is absent leaves no fingerprint of the request in the store", async () => {
    const { spawn, record } = scene();
    const { id } = await spawn({ env: { KEY: "hf_secret_value" } });
    expect((await record(id)).requestHash).toBe("");
  });

  it("keeps no secret of the request in the store", async () => {
    const { spawn, records, store } = scene();
    const { id } = await spawn({ ...request, env: { KEY: "hf_secret_value" } });
    expect(JSON.stringify([await records(), await store.get("default", id)])).not.toContain(
      "hf_secret_value",
    );
  });
});
