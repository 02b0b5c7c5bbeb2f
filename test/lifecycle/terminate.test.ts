import { describe, expect, it } from "vitest";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import { intercept } from "../support/intercept.ts";
import { failureOf, type Scene, scene } from "../support/scene.ts";

function terminates({ provider }: Scene): number {
  return provider.calls.filter(({ operation }) => operation === "terminate").length;
}

describe("law 4: ended means confirmed", () => {
  it("terminates, and says so when the instance is gone", async () => {
    const { spawn, atlas, settle, states, alive, clock } = scene();
    const { id } = await spawn();
    await clock.advance(3600);
    const ended = await settle(atlas.terminate(id));
    expect(ended).toMatchObject({
      status: "terminated",
      reason: "requested",
      idleDeadline: null,
      lifetimeDeadline: null,
    });
    expect(await states(id)).toEqual(["pending", "provisioning", "terminating", "terminated"]);
    expect(alive()).toEqual([]);
  });

  it("waits a little for an instance that takes its time", async () => {
    const { spawn, atlas, settle } = scene({ mock: { terminateSeconds: 3 } });
    const { id } = await spawn();
    expect((await settle(atlas.terminate(id))).status).toBe("terminated");
  });

  it("stores the intent before the provider is asked", async () => {
    const clock = manualClock();
    const seen: unknown[] = [];
    const provider = intercept(mock({ clock }), ["terminate"], async () => {
      seen.push((await world.records()).map(({ status, reason }) => [status, reason]));
    });
    const world = scene({ clock, providers: [provider] });
    const { id } = await world.spawn();
    await world.settle(world.atlas.terminate(id));
    expect(seen).toEqual([[["terminating", "requested"]]]);
  });

  it.each([
    "timeout-before",
    "timeout-after",
    "error-before",
    "bad-key",
    "not-an-error",
    "hang",
    "rate-limit",
  ] as const)(
    "stays terminating when the provider answers %s, tells the failure, and is ended by the reaper",
    async (fault) => {
      const { spawn, atlas, settle, provider, record, clock, reap, alive } = scene();
      const { id } = await spawn();
      provider.script("terminate", { fault, times: 4 });
      const ending = await settle(atlas.terminate(id));
      expect(ending).toMatchObject({
        status: "terminating",
        reason: "requested",
        lastError: expect.any(String),
      });
      const waits: number[] = [];
      for (let round = 0; round < 40 && (await record(id)).status === "terminating"; round += 1) {
        const { checkAt } = await record(id);
        waits.push(((checkAt?.getTime() ?? 0) - clock.now().getTime()) / 1000);
        await clock.advance(waits.at(-1) ?? 0);
        await reap();
      }
      expect(waits).toEqual([5, 10, 20, 40]);
      expect(await record(id)).toMatchObject({ status: "terminated", reason: "requested" });
      expect(alive()).toEqual([]);
    },
  );

  it("stays terminating when the provider accepts and does nothing", async () => {
    const { spawn, atlas, settle, provider, reap, clock, record } = scene();
    const { id } = await spawn();
    provider.script("terminate", { fault: "ignored", times: 2 });
    expect(await settle(atlas.terminate(id))).toMatchObject({ status: "terminating", lastError: null });
    await clock.advance(10);
    expect(await reap()).toMatchObject({ terminated: [], failed: [], remaining: true });
    await clock.advance(30);
    expect((await reap()).terminated).toMatchObject([{ computeId: id, reason: "requested" }]);
    expect((await record(id)).status).toBe("terminated");
  });

  it("does not take a just-created instance that is not listed yet for gone", async () => {
    const { spawn, atlas, settle, record, clock, reap, alive } = scene({ mock: { listLagSeconds: 30 } });
    const { id } = await spawn();
    expect((await settle(atlas.terminate(id))).status).toBe("terminating");
    expect(alive()).toHaveLength(1);
    await clock.advance(10);
    await reap();
    expect((await record(id)).status).toBe("terminating");
    for (let round = 0; round < 6; round += 1) {
      await clock.advance(10);
      await reap();
    }
    expect((await record(id)).status).toBe("terminated");
    expect(alive()).toEqual([]);
  });

  it("takes an instance that is gone already for a success", async () => {
    const { spawn, atlas, settle, provider } = scene();
    const { id } = await spawn();
    provider.vanish(`atlas-default-${id}`);
    expect((await settle(atlas.terminate(id))).status).toBe("terminated");
  });

  it("lets no instance survive that was being created", async () => {
    const world = scene({ mock: { latencySeconds: 5, listLagSeconds: 20 } });
    const { atlas, clock, settle, reap, alive, records } = world;
    const spawn = failureOf(atlas.spawnCompute({ userId: "u", slot: "one", idempotencyKey: "key" }));
    await clock.advance(7);
    const [pending] = await records();
    expect((await settle(atlas.terminate(pending?.id ?? ""))).status).toBe("terminating");
    expect(await settle(spawn)).toMatchObject({
      ...{ code: "CONFLICT", computeId: pending?.id },
      message: `compute ${pending?.id} was ended while it was being created; it is terminating`,
    });
    for (let round = 0; round < 6; round += 1) {
      await clock.advance(60);
      await reap();
    }
    expect(alive()).toEqual([]);
    expect(await records()).toMatchObject([{ status: "terminated", reason: "requested", slot: "one" }]);
  });

  it("counts the cost of an instance that arrives after its end began, until that is gone", async () => {
    const mock = { latencySeconds: 5, terminateSeconds: 60, cpuCostPerHour: 36 };
    const { atlas, clock, settle, reap, records } = scene({ mock });
    const spawn = failureOf(atlas.spawnCompute({}));
    await clock.advance(7);
    await settle(atlas.terminate((await records())[0]?.id ?? ""));
    await settle(spawn);
    for (let round = 0; round < 20; round += 1) {
      await clock.advance(10);
      await reap();
    }
    const [ended] = await records();
    expect(ended).toMatchObject({ status: "terminated" });
    expect(ended?.costBefore).toBeGreaterThan(0.5);
  });

  it("is not undone by a create whose outcome stays unknown", async () => {
    const { atlas, clock, settle, reap, record, records, states, provider } = scene();
    provider.script("create", "timeout-before");
    const spawn = failureOf(atlas.spawnCompute({}));
    await clock.advance(10);
    const id = (await records())[0]?.id ?? "";
    await settle(atlas.terminate(id));
    const error = await settle(spawn);
    expect(error).toMatchObject({ code: "UNCERTAIN", computeId: id });
    expect(error.message).toContain("; it is terminating: do not spawn again before it is settled");
    for (let round = 0; round < 10; round += 1) {
      await clock.advance(120);
      await reap();
    }
    expect(await states(id)).toEqual(["pending", "terminating", "terminated"]);
    expect(await record(id)).toMatchObject({ status: "terminated", reason: "requested" });
  });

  it("is not undone by a create that is refused", async () => {
    const { atlas, clock, settle, records, states, provider } = scene();
    const { create } = provider;
    provider.create = async (...call) => {
      await clock.sleep(20_000);
      return create(...call);
    };
    provider.script("create", "balance");
    const spawn = failureOf(atlas.spawnCompute({}));
    await clock.advance(10);
    const id = (await records())[0]?.id ?? "";
    await settle(atlas.terminate(id));
    expect(await settle(spawn)).toMatchObject({ code: "BILLING" });
    expect(await states(id)).not.toContain("failed");
    expect(await records()).toMatchObject([{ reason: "requested" }]);
  });

  it("gives the slot of a compute that was given up to the next one, also when its instance arrives late", async () => {
    const { atlas, clock, settle, record, alive, provider } = scene({ timing: { pendingGraceSeconds: 5 } });
    provider.script("create", { fault: "delay", seconds: 50 });
    const request = { userId: "u", slot: "one" };
    const late = failureOf(atlas.spawnCompute(request));
    for (const seconds of [6, 31]) {
      await clock.advance(seconds);
      await atlas.reap();
    }
    const next = await settle(atlas.spawnCompute(request));
    const { code, computeId = "" } = await settle(late);
    expect(code).toBe("CONFLICT");
    expect(await record(computeId)).toMatchObject({ status: "terminated", slot: null });
    expect(await record(next.id)).toMatchObject({ slot: "one" });
    expect(alive().map(({ name }) => name)).toEqual([next.name]);
  });

  it("ends an instance that arrives after its compute was given up", async () => {
    const { atlas, clock, settle, alive, record, records, provider } = scene({
      timing: { pendingGraceSeconds: 5 },
    });
    provider.script("create", { fault: "delay", seconds: 50 });
    const spawn = failureOf(atlas.spawnCompute({}));
    await clock.advance(6);
    expect((await atlas.reap()).settled).toEqual([]);
    await clock.advance(31);
    const [settled] = (await atlas.reap()).settled;
    const id = settled?.computeId ?? "";
    expect((await record(id)).status).toBe("terminated");
    expect(await settle(spawn)).toMatchObject({ code: "CONFLICT", computeId: id });
    expect(alive()).toEqual([]);
    expect(await records()).toMatchObject([
      { status: "terminated", reason: "abandoned", providerId: "mock-1" },
    ]);
  });

  it("stops a walk between two candidates", async () => {
    const world = scene({ mock: { latencySeconds: 5 } });
    const { atlas, clock, settle, provider, records } = world;
    provider.script("create", "capacity");
    const spawn = failureOf(atlas.spawnCompute({ gpu: "h100" }));
    await clock.advance(7);
    await settle(atlas.terminate((await records())[0]?.id ?? ""));
    expect(await settle(spawn)).toMatchObject({ code: "CONFLICT" });
    expect(provider.instances).toEqual([]);
  });

  it("may be asked for again, at the same time, and after the end", async () => {
    const world = scene({ mock: { latencySeconds: 1 } });
    const { spawn, atlas, settle } = world;
    const { id } = await spawn();
    const ended = await settle(Promise.all(Array.from({ length: 5 }, () => atlas.terminate(id))));
    expect(ended.map(({ reason }) => reason)).toEqual(Array(5).fill("requested"));
    expect(ended.filter(({ status }) => status === "terminated").length).toBeGreaterThan(0);
    expect(terminates(world)).toBe(1);
    expect((await settle(atlas.terminate(id))).status).toBe("terminated");
    expect(terminates(world)).toBe(1);
  });

  it("keeps the reason it began with", async () => {
    const { spawn, atlas, settle, provider, clock, reap } = scene();
    const { id } = await spawn({ idleTimeoutSeconds: 60 });
    await settle((await atlas.getCompute(id)).waitUntilReady());
    provider.script("terminate", "error-before");
    await clock.advance(61);
    await reap();
    expect(await settle(atlas.terminate(id))).toMatchObject({ status: "terminated", reason: "idle" });
  });

  it("is left to the reaper, and said, when the provider is not configured any more", async () => {
    const { spawn, store, clock } = scene();
    const { id } = await spawn();
    const other = scene({ clock, store, mock: { name: "other" } });
    const ending = await other.settle(other.atlas.terminate(id));
    expect(ending).toMatchObject({
      status: "terminating",
      lastError: expect.stringContaining("not among the configured providers (other)"),
    });
  });

  it.each([undefined, null, "", "x", 42, {}, "0".repeat(20), "ü".repeat(20), "' or 1=1 --"])(
    "answers NOT_FOUND for %s",
    async (id) => {
      const { atlas, failure, provider } = scene();
      for (const call of [atlas.terminate, atlas.getCompute, atlas.touch, atlas.stop, atlas.start])
        expect(await failure(call.call(atlas, id as string))).toMatchObject({ code: "NOT_FOUND" });
      expect(provider.calls).toEqual([]);
    },
  );
});
