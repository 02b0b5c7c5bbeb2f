import { describe, expect, it } from "vitest";
import { scene } from "../support/scene.ts";

describe("a planned end", () => {
  it("is told once for each value of its deadline, two minutes before", async () => {
    const { spawn, clock, reap, events } = scene();
    const { id } = await spawn({ idleTimeoutSeconds: null, maxLifetimeSeconds: 3600 });
    await clock.advance(3479);
    await reap();
    const warnings = async (): Promise<readonly unknown[]> =>
      (await events(id)).filter(({ type }) => type === "ending-soon").map(({ data }) => data);
    expect(await warnings()).toEqual([]);
    await clock.advance(1);
    await reap();
    await reap();
    const at = new Date(clock.now().getTime() + 120_000).toISOString();
    expect(await warnings()).toEqual([{ at, reason: "max_lifetime" }]);
  });

  it("is told by the next reaper when one dies between its claim and its work", async () => {
    const { spawn, clock, reap, events, store } = scene();
    const { id } = await spawn({ idleTimeoutSeconds: null, maxLifetimeSeconds: 3600 });
    await clock.advance(3480);
    await store.claimDue({ namespace: "default", lease: "of a dead reaper", leaseSeconds: 60, limit: 10 });
    await clock.advance(61);
    await reap();
    await reap();
    expect((await events(id)).filter(({ type }) => type === "ending-soon")).toHaveLength(1);
  });

  it("comes at most half of its timeout before, and again after an extension", async () => {
    const { spawn, settle, atlas, clock, reap, events } = scene();
    const compute = await spawn({ idleTimeoutSeconds: 60, maxLifetimeSeconds: null });
    await settle(compute.waitUntilReady());
    await clock.advance(29);
    await reap();
    expect((await events(compute.id)).some(({ type }) => type === "ending-soon")).toBe(false);
    await clock.advance(2);
    await reap();
    await settle(atlas.extend(compute.id, { seconds: 300 }));
    await clock.advance(271);
    await reap();
    const warnings = (await events(compute.id)).filter(({ type }) => type === "ending-soon");
    expect(warnings.map(({ data }) => data.reason)).toEqual(["idle", "idle"]);
  });
});

describe("extend", () => {
  it("moves both deadlines, never past the request's limit, and then is a CONFLICT", async () => {
    const { spawn, settle, atlas, failure, record, clock } = scene();
    const { id } = await spawn({
      ...{ idleTimeoutSeconds: 600, maxLifetimeSeconds: 1000, maxExtendedLifetimeSeconds: 1500 },
    });
    const created = clock.now().getTime();
    const lifetime = async (): Promise<number> =>
      ((await record(id)).lifetimeDeadline?.getTime() ?? 0) - created;
    await settle(atlas.extend(id, { seconds: 300 }));
    expect(await lifetime()).toBe(1_300_000);
    await settle(atlas.extend(id, { seconds: 300 }));
    expect(await lifetime()).toBe(1_500_000);
    expect(await failure(atlas.extend(id, { seconds: 300 }))).toMatchObject({
      ...{ code: "CONFLICT", computeId: id, message: expect.stringContaining("1500 seconds") },
    });
  });

  it("looks before it refuses a compute that boots, because that may run by now", async () => {
    const { spawn, settle, atlas, failure, clock, count } = scene({ mock: { bootSeconds: 30 } });
    const { id } = await spawn({ idleTimeoutSeconds: 600, maxLifetimeSeconds: null });
    expect(await failure(atlas.extend(id, { seconds: 900 }))).toMatchObject({
      ...{
        code: "CONFLICT",
        message: `compute ${id} cannot be extended: it has no deadline that could move`,
      },
    });
    await clock.advance(31);
    const extended = await settle(atlas.extend(id, { seconds: 900 }));
    expect(extended).toMatchObject({
      ...{ status: "running", idleDeadline: new Date(clock.now().getTime() + 900_000) },
    });
    const looks = count("get");
    await settle(atlas.extend(id, { seconds: 1000 }));
    expect(count("get")).toBe(looks);
  });

  it("asks no provider about a compute that has ended", async () => {
    const { spawn, settle, atlas, failure, provider } = scene();
    const { id } = await spawn();
    await settle(atlas.terminate(id));
    const calls = provider.calls.length;
    expect((await failure(atlas.extend(id, { seconds: 60 }))).message).toBe(
      `compute ${id} cannot be extended: it is terminated`,
    );
    expect(provider.calls).toHaveLength(calls);
  });

  it("lengthens no bill unless the request says so", async () => {
    const { spawn, atlas, failure } = scene();
    const { id } = await spawn({ idleTimeoutSeconds: null, maxLifetimeSeconds: 1000 });
    expect(await failure(atlas.extend(id, { seconds: 1 }))).toMatchObject({ code: "CONFLICT" });
  });
});

describe("a stop that was not asked for", () => {
  it("ends the compute after its idle timeout, with the reason", async () => {
    const { spawn, settle, provider, clock, reap, record } = scene();
    const compute = await spawn({ idleTimeoutSeconds: 600 });
    await settle(compute.waitUntilReady());
    const context = { signal: new AbortController().signal, requestTimeoutSeconds: 30 };
    await provider.stop({ name: compute.name, providerId: "mock-1" }, context);
    await clock.advance(20);
    await reap();
    expect(await record(compute.id)).toMatchObject({ status: "stopped", reason: null });
    await clock.advance(601);
    await reap();
    expect(await record(compute.id)).toMatchObject({ status: "terminated", reason: "stopped_by_provider" });
  });
});

describe("a model that loads for long", () => {
  it("does not end as idle while a caller waits for it, for as long as that wait may boot", async () => {
    const { spawn, settle, provider, clock, atlas, record } = scene();
    provider.respond(() => new Response("", { status: 503 }));
    const compute = await spawn({ ports: [8000], idleTimeoutSeconds: 1800 });
    const reaper = atlas.startReaper();
    const waiting = compute.waitUntilReady({ timeoutSeconds: 3600, path: "/healthz" });
    await clock.advance(2700);
    expect((await record(compute.id)).status).toBe("running");
    provider.respond(() => new Response("ok"));
    expect((await settle(waiting)).status).toBe("running");
    await settle(reaper.stop());
  });
});
