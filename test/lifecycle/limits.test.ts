import { describe, expect, it } from "vitest";
import type { Limits } from "../../src/store.ts";
import { scene } from "../support/scene.ts";

async function outcome(limits: Limits, requests: readonly object[]): Promise<readonly string[]> {
  const { atlas, settle } = scene({ limits, mock: { latencySeconds: 1, costPerHour: 1 } });
  const calls = requests.map((request) => atlas.spawnCompute({ gpu: "l4", ...request }));
  const results = await settle(Promise.allSettled(calls));
  return results.map((result) => (result.status === "fulfilled" ? "ok" : String(result.reason.code)));
}

const hundred = (user: (index: number) => string): readonly object[] =>
  Array.from({ length: 100 }, (_, index) => ({ userId: user(index) }));

describe("limits", () => {
  it.each([
    [{ computes: 7 }, hundred(() => "u"), 7],
    [{ computesPerUser: 3 }, hundred((index) => `u${index % 4}`), 12],
    [{ costPerHour: 5 }, hundred((index) => `u${index}`), 5],
    [{ costPerHourPerUser: 2.5 }, hundred((index) => `u${index % 3}`), 6],
    [{ computes: 10, computesPerUser: 1 }, hundred((index) => `u${index % 20}`), 10],
    [{ computes: 0 }, hundred(() => "u"), 0],
  ])("%o let exactly so many of a hundred requests at once through", async (limits, requests, allowed) => {
    const codes = await outcome(limits, requests);
    expect(codes.filter((code) => code === "ok")).toHaveLength(allowed);
    expect(new Set(codes.filter((code) => code !== "ok"))).toEqual(
      allowed < 100 ? new Set(["LIMIT_EXCEEDED"]) : new Set(),
    );
  });

  it("of a user do not bind a compute without one", async () => {
    expect(
      await outcome({ computesPerUser: 1, costPerHourPerUser: 1 }, [
        {},
        {},
        { userId: "u" },
        { userId: "u" },
      ]),
    ).toEqual([...["ok", "ok", "ok", "LIMIT_EXCEEDED"]]);
  });

  it("name the allowed and the resulting total, and store nothing", async () => {
    const { spawn, atlas, failure, records, provider } = scene({ limits: { computesPerUser: 1 } });
    await spawn({ userId: "user_42" });
    const error = await failure(atlas.spawnCompute({ userId: "user_42" }));
    expect(error).toMatchObject({
      code: "LIMIT_EXCEEDED",
      details: { limit: "computesPerUser", allowed: 1, total: 2 },
    });
    expect(error.message).toContain('user "user_42"');
    expect(await records()).toHaveLength(1);
    expect(provider.instances).toHaveLength(1);
  });

  it("count ending and uncertain computes until they are proven gone", async () => {
    const { spawn, atlas, failure, settle, provider, reap, clock } = scene({ limits: { computes: 1 } });
    const { id } = await spawn();
    provider.script("terminate", { fault: "error-before", times: 2 });
    expect(await settle(atlas.terminate(id))).toMatchObject({ status: "terminating" });
    expect(await failure(atlas.spawnCompute({}))).toMatchObject({ code: "LIMIT_EXCEEDED" });
    await clock.advance(60);
    await reap();
    await clock.advance(60);
    await reap();
    provider.script("create", "timeout-before");
    expect(await failure(atlas.spawnCompute({}))).toMatchObject({ code: "UNCERTAIN" });
    expect(await failure(atlas.spawnCompute({}))).toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  it("on cost count the instance's real cost, once it is known", async () => {
    const { spawn, atlas, failure, settle, provider } = scene({
      limits: { costPerHour: 3 },
      mock: { gpus: [{ id: "l4", costPerHour: 1 }] },
    });
    const compute = await spawn({ gpu: "l4" });
    const { get } = provider;
    provider.get = async (...call) => {
      const instance = await get(...call);
      return instance && { ...instance, costPerHour: 2.5 };
    };
    await settle(compute.waitUntilReady());
    expect(compute.costPerHour).toBe(2.5);
    expect(await failure(atlas.spawnCompute({ gpu: "l4" }))).toMatchObject({
      code: "LIMIT_EXCEEDED",
      details: { total: 3.5 },
    });
  });

  it("are of one namespace", async () => {
    const first = scene({ namespace: "one", limits: { computes: 1 } });
    const second = scene({
      namespace: "two",
      limits: { computes: 1 },
      clock: first.clock,
      store: first.store,
    });
    await first.spawn();
    expect((await second.spawn()).status).toBe("provisioning");
  });
});
