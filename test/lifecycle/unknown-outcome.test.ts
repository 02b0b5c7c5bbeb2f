import { describe, expect, it } from "vitest";
import { AtlasError } from "../../src/errors.ts";
import type { Logger, Progress } from "../../src/lifecycle/context.ts";
import type { Instance } from "../../src/provider.ts";
import {
  type MockFault,
  type MockFaultName,
  type MockOptions,
  type MockProvider,
  manualClock,
  mock,
} from "../../src/providers/mock/index.ts";
import { intercept } from "../support/intercept.ts";
import { type Scene, scene, sceneOn } from "../support/scene.ts";

const before: readonly MockFault[] = [
  "timeout-before",
  "connection-before",
  "error-before",
  "hang",
  "not-an-error",
];
const after: readonly MockFault[] = [
  ...(["timeout-after", "connection-after", "error-after", "unreadable-after"] as const),
  ...(["hang-after", "not-an-error-after"] as const),
];
const nameOf = (fault: MockFault): MockFaultName => (typeof fault === "string" ? fault : fault.fault);

function creates({ provider }: Scene): number {
  return provider.calls.filter(({ operation }) => operation === "create").length;
}

/** A logger, and the warnings that it received. */
function logged(): { readonly logger: Logger; readonly warnings: readonly unknown[][] } {
  const warnings: unknown[][] = [];
  const ignore = (): void => undefined;
  const warn: Logger["warn"] = (...line) => void warnings.push(line);
  return { logger: { debug: ignore, info: ignore, warn, error: ignore }, warnings };
}

function lagging(listLagSeconds: number, more: MockOptions = {}): Scene {
  return scene({ mock: { listLagSeconds, ...more } });
}

describe("law 2: no blind second create", () => {
  it.each(after.map(nameOf))(
    "adopts the instance of a create with %s, when it turns up at once or late",
    async (fault) => {
      for (const lag of [0, 5, 55]) {
        const world = lagging(lag);
        world.provider.script("create", fault);
        const compute = await world.spawn({ gpu: "h100" });
        expect(compute).toMatchObject({ gpu: "h100-sxm", providerId: world.provider.instances[0]?.id });
        expect(world.provider.instances[0]?.env.ATLAS_PRESHARED_KEY).toBe(compute.auth?.token);
        expect([creates(world), world.provider.instances.length]).toEqual([1, 1]);
      }
    },
  );

  it.each(after.map(nameOf))(
    "is UNCERTAIN after %s when the instance does not turn up in time, and found later",
    async (fault) => {
      const world = lagging(200);
      const { provider, atlas, failure, record, reap, clock, states } = world;
      provider.script("create", fault);
      const error = await failure(atlas.spawnCompute({ gpu: "h100" }));
      expect(error).toMatchObject({
        code: "UNCERTAIN",
        provider: "mock",
        mayHaveCreated: true,
        retryable: false,
      });
      const id = error.computeId ?? "";
      expect(error.message).toContain(`may have created compute ${id} (`);
      expect(error.message).toContain("; it stays recorded and the reaper keeps looking: do not spawn again");
      expect(await record(id)).toMatchObject({ status: "uncertain", providerId: null, reason: null });
      const settled: unknown[] = [];
      for (let round = 0; round < 12; round += 1) {
        await clock.advance(60);
        settled.push(...(await reap()).settled);
      }
      expect(settled).toMatchObject([
        { computeId: id, reason: "found", providerId: provider.instances[0]?.id },
      ]);
      expect(await states(id)).toEqual(["pending", "uncertain", "running"]);
      expect(await record(id)).toMatchObject({ status: "running", gpu: "h100-sxm", region: "mock-1" });
      expect([creates(world), provider.instances.length]).toEqual([1, 1]);
    },
  );

  it.each(before.map(nameOf))(
    "never tries again after %s: nothing is found, and after its grace the compute is abandoned",
    async (fault) => {
      const clock = manualClock();
      const second = mock({ clock, name: "second" });
      const first = mock({ clock });
      const world = scene({ clock, providers: [first, second] });
      const { atlas, failure, record, reap } = world;
      first.script("create", fault);
      const error = await failure(atlas.spawnCompute({ gpu: "h100" }));
      const id = error.computeId ?? "";
      expect(error.code).toBe("UNCERTAIN");
      const ended: unknown[] = [];
      for (let round = 0; round < 8; round += 1) {
        const status = (await record(id)).status;
        expect(clock.now().getTime() < Date.UTC(2026, 0, 1, 0, 10) ? status : "uncertain").toBe("uncertain");
        await clock.advance(100);
        ended.push(...(await reap()).settled);
      }
      expect(ended).toMatchObject([{ computeId: id, reason: "abandoned" }]);
      expect(await record(id)).toMatchObject({ status: "terminated", reason: "abandoned", costBefore: 0 });
      expect(first.calls.filter(({ operation }) => operation === "create")).toHaveLength(1);
      expect(second.calls.filter(({ operation }) => operation === "create")).toEqual([]);
    },
  );

  it("counts the cost of an uncertain compute from its create on, when it is found", async () => {
    const { provider, atlas, failure, clock, settle, reap } = lagging(200, { costPerHour: 36 });
    provider.script("create", "timeout-after");
    const { computeId = "" } = await failure(atlas.spawnCompute({ gpu: "l4" }));
    await clock.advance(540);
    await reap();
    expect((await settle(atlas.getCompute(computeId))).costSoFar).toBeCloseTo(6);
  });

  it("tells that it is looking", async () => {
    const steps: Progress[] = [];
    const { provider, spawn } = lagging(5);
    provider.script("create", "timeout-after");
    await spawn({}, { onProgress: (step) => steps.push(step) });
    expect(steps.map(({ phase }) => phase)).toEqual(["placing", "creating", "looking-up", "provisioning"]);
    expect(steps[2]?.message).toBe("mock did not say whether it created the instance: looking it up");
  });

  it("looks on although looking fails, and gives up in time although looking hangs", async () => {
    const said = logged();
    const failing = scene({ mock: { listLagSeconds: 0 }, logger: said.logger });
    failing.provider.script("create", "timeout-after");
    failing.provider.script("find", "error-before", "malformed", "not-an-error", "bad-key");
    const { id: computeId, status } = await failing.spawn();
    expect(status).toBe("running");
    const codes = ["PROVIDER", "PROVIDER", "PROVIDER", "AUTH_ERROR"];
    expect(said.warnings).toEqual(
      codes.map((code) => [`looking for compute ${computeId} failed`, { computeId, code }]),
    );
    const hanging = lagging(0);
    hanging.provider.script("create", "timeout-after");
    hanging.provider.script("find", { fault: "hang", times: Number.POSITIVE_INFINITY });
    const begin = hanging.clock.now().getTime();
    expect(await hanging.failure(hanging.atlas.spawnCompute({}))).toMatchObject({ code: "UNCERTAIN" });
    expect((hanging.clock.now().getTime() - begin) / 1000).toBeLessThanOrEqual(60 + 30);
  });

  it("believes an adapter that says that nothing was created", async () => {
    const clock = manualClock();
    let times = 0;
    const provider = intercept(mock({ clock }), ["create"], () => {
      times += 1;
      throw new AtlasError("TRANSPORT", "the name could not be resolved", { mayHaveCreated: false });
    });
    const { atlas, failure, record } = scene({ clock, providers: [provider] });
    const error = await failure(atlas.spawnCompute({}));
    expect(error).toMatchObject({ code: "TRANSPORT" });
    expect(await record(error.computeId ?? "")).toMatchObject({ status: "failed" });
    expect(times).toBe(1);
  });

  it("does not believe a capacity refusal that may have created something", async () => {
    const clock = manualClock();
    const provider = intercept(mock({ clock }), ["create"], () => {
      throw new AtlasError("CAPACITY", "half of it is there", { mayHaveCreated: true });
    });
    const { atlas, failure } = scene({ clock, providers: [provider] });
    expect(await failure(atlas.spawnCompute({ gpu: "h100" }))).toMatchObject({ code: "UNCERTAIN" });
  });

  it("adopts the oldest of several instances of its name and ends the others", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    const doubling = intercept(provider, ["create"], async (_, [request]) => {
      const { name, owner } = request as { name: string; owner: string };
      provider.add({ name, owner });
      await clock.sleep(1000);
      provider.script("create", "timeout-after");
    });
    const { spawn } = scene({ clock, providers: [doubling] });
    const compute = await spawn();
    expect(compute.providerId).toBe("mock-1");
    expect(provider.instances.map(({ id, status }) => [id, status])).toEqual([
      ["mock-1", "running"],
      ["mock-2", "terminated"],
    ]);
  });

  it("ends the duplicate that it could not end at once by the next reap", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    const doubling = intercept(provider, ["create"], async (_, [request]) => {
      const { name, owner } = request as { name: string; owner: string };
      provider.add({ name, owner });
      provider.script("create", "timeout-after");
      provider.script("terminate", "error-before");
    });
    const { logger, warnings } = logged();
    const { spawn, reap } = scene({ clock, providers: [doubling], logger });
    const { id, providerId } = await spawn();
    const other = provider.instances.find((instance) => instance.id !== providerId);
    const facts = { computeId: id, providerId: other?.id, code: "PROVIDER" };
    expect(warnings).toEqual([[`a second instance of compute ${id} could not be ended yet`, facts]]);
    expect(provider.instances.map(({ status }) => status)).not.toContain("terminated");
    expect((await reap()).orphans).toMatchObject([{ computeId: id }]);
    expect(provider.instances.filter(({ status }) => status !== "terminated").map((one) => one.id)).toEqual([
      providerId,
    ]);
  });

  it("neither adopts nor ends a part of an instance, which may still become whole", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    provider.script("create", "timeout-after");
    let isWhole = false;
    const find: MockProvider["find"] = async (...call) =>
      (await provider.find(...call)).map((one) => (isWhole ? one : { ...one, partial: true }));
    const { spawn, count } = sceneOn({
      ...scene({ clock, providers: [{ ...provider, find }] }),
      provider,
    });
    void clock.sleep(20_000).then(() => {
      isWhole = true;
    });
    const begin = clock.now().getTime();
    expect((await spawn()).providerId).toBe("mock-1");
    expect(clock.now().getTime() - begin).toBeGreaterThanOrEqual(20_000);
    expect(count("terminate")).toBe(0);
  });

  it("names the provider, and says that a pod may exist, when the store fails to record that the outcome is unknown", async () => {
    const { atlas, failure, provider } = scene({
      through: (store) =>
        intercept(store, ["replace"], () => {
          throw new AtlasError("STORE_UNAVAILABLE", "the connection was reset");
        }),
    });
    provider.script("create", "timeout-before");
    const error = await failure(atlas.spawnCompute({}));
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", provider: "mock", mayHaveCreated: true });
    expect(error.providerId).toBeUndefined();
  });

  it.each([
    ["another store has an instance of its name", { owner: "another store" }],
    ["its provider shows it as terminated", { status: "terminated" }],
  ] as const)("is abandoned after its grace although %s", async (_, shown) => {
    const clock = manualClock();
    const provider = mock({ clock });
    provider.script("create", "timeout-after");
    const change = (one: Instance): Instance => ({ ...one, ...shown });
    const list: MockProvider["list"] = async (...call) => (await provider.list(...call)).map(change);
    const find: MockProvider["find"] = async (...call) => (await provider.find(...call)).map(change);
    const world = scene({ clock, providers: [{ ...provider, list, find }] });
    const { code, computeId = "" } = await world.failure(world.atlas.spawnCompute({}));
    expect(code).toBe("UNCERTAIN");
    for (const seconds of [700, 31]) {
      await clock.advance(seconds);
      await world.reap();
    }
    expect(await world.record(computeId)).toMatchObject({ status: "terminated", reason: "abandoned" });
    expect(provider.calls.map(({ operation }) => operation)).not.toContain("terminate");
  });

  it.each([
    ["is looked for again while its provider shows a part of it", { partial: true }, "uncertain", true],
    [
      "ends when its provider shows a part of it that failed",
      { partial: true, status: "failed" },
      "terminating",
      false,
    ],
    ["ends when its provider shows it as failed", { status: "failed" }, "terminating", false],
  ] as const)("%s", async (_, shown, status, remaining) => {
    const clock = manualClock();
    const provider = mock({ clock });
    provider.script("create", "timeout-after");
    provider.script("find", { fault: "error-before", times: Number.POSITIVE_INFINITY });
    const list: MockProvider["list"] = async (...call) =>
      (await provider.list(...call)).map((one) => ({ ...one, ...shown }));
    const world = scene({ clock, providers: [{ ...provider, list }] });
    const { computeId = "" } = await world.failure(world.atlas.spawnCompute({}));
    await clock.advance(60);
    expect((await world.reap()).remaining).toBe(remaining);
    expect(await world.record(computeId)).toMatchObject({ status, lease: null });
    expect((await world.record(computeId)).dueAt).not.toBeNull();
  });

  it("leaves an instance of the very same name alone that another store made", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    const claimed = intercept(provider, ["create"], (_, [request]) => {
      const { name } = request as { name: string };
      provider.add({ name, owner: "another store" });
      provider.add({ name });
      provider.script("create", "timeout-before");
    });
    const { atlas, failure, settle, record, reap } = scene({ clock, providers: [claimed] });
    const { code, computeId = "" } = await failure(atlas.spawnCompute({}));
    expect(code).toBe("UNCERTAIN");
    await settle(atlas.terminate(computeId));
    await clock.advance(700);
    await reap();
    expect(await record(computeId)).toMatchObject({ status: "terminated", providerId: null });
    expect(provider.instances.map(({ status }) => status)).toEqual(["running", "running"]);
  });

  it("does not adopt for a waiting handle an instance that its spawn is still looking for", async () => {
    const { provider, atlas, clock, settle, states } = lagging(3, { bootSeconds: 60 });
    provider.script("create", { fault: "timeout-after", seconds: 5 });
    const first = atlas.spawnCompute({ idempotencyKey: "key" });
    await clock.advance(4);
    const second = await atlas.spawnCompute({ idempotencyKey: "key" });
    expect(second.status).toBe("pending");
    await settle(second.waitUntilReady());
    const compute = await settle(first);
    expect([compute.id, compute.isNew]).toEqual([second.id, true]);
    expect(await states(compute.id)).toEqual(["pending", "provisioning", "running"]);
  });
});
