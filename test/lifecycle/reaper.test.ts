import { describe, expect, it, vi } from "vitest";
import { AtlasError } from "../../src/errors.ts";
import { createAtlas, memoryStore } from "../../src/index.ts";
import type { ReapReport } from "../../src/lifecycle/reap/reap.ts";
import { type ManualClock, manualClock, mock } from "../../src/providers/mock/index.ts";
import { intercept } from "../support/intercept.ts";
import { scene } from "../support/scene.ts";

/** Lets real time pass until the reaper's code is loaded, and its first pass or the pause after it waits. */
async function begun(clock: ManualClock): Promise<void> {
  await vi.waitFor(() => expect(clock.sleeping).toBeGreaterThan(0), { interval: 1, timeout: 10_000 });
  await clock.advance(0);
}

describe("a reaper", () => {
  it("reaps at once, and again after every pause", async () => {
    const { spawn, atlas, clock, record, settle } = scene();
    const compute = await spawn({ idleTimeoutSeconds: 90 });
    await settle(compute.waitUntilReady());
    const reports: ReapReport[] = [];
    await using _ = atlas.startReaper({ everySeconds: 60, onReport: (report) => reports.push(report) });
    await begun(clock);
    expect(reports).toHaveLength(1);
    await clock.advance(119);
    expect([reports.length, (await record(compute.id)).status]).toEqual([2, "running"]);
    await clock.advance(1);
    expect((await record(compute.id)).status).toBe("terminated");
  });

  it("looks every 15 seconds at what is due, and searches for orphans once a minute", async () => {
    const { spawn, atlas, clock, record, provider, store, alive } = scene({ mock: { bootSeconds: 10 } });
    const reports: ReapReport[] = [];
    await using _ = atlas.startReaper({ onReport: (report) => reports.push(report) });
    await begun(clock);
    const { id } = await spawn();
    provider.add({ name: `atlas-default-${"0".repeat(20)}`, owner: await store.identity() });
    await clock.advance(15);
    expect([reports.length, (await record(id)).status, alive().length]).toEqual([2, "running", 2]);
    await clock.advance(44);
    expect([reports.length, alive().length]).toEqual([4, 2]);
    await clock.advance(1);
    expect([reports.length, alive().length]).toEqual([5, 1]);
  });

  it("never runs two passes at once, however long one takes", async () => {
    const clock = manualClock();
    let running = 0;
    let most = 0;
    const provider = intercept(mock({ clock }), ["list"], async () => {
      running += 1;
      most = Math.max(most, running);
      await clock.sleep(50_000);
      running -= 1;
    });
    const { atlas } = scene({ clock, providers: [provider] });
    const reaper = atlas.startReaper({ everySeconds: 5 });
    await begun(clock);
    await clock.advance(600);
    expect(most).toBe(1);
    await clock.settle(reaper.stop());
  });

  it("goes on at once where a pass left work", async () => {
    const { atlas, provider, store, clock, alive } = scene();
    const owner = await store.identity();
    for (let index = 0; index < 250; index += 1)
      provider.add({ name: `atlas-default-${String(index).padStart(20, "0")}`, owner });
    const reaper = atlas.startReaper({ everySeconds: 3600 });
    await begun(clock);
    await clock.advance(5);
    expect(alive()).toEqual([]);
    await reaper.stop();
  });

  it("does not run without a breath where the work cannot be finished", async () => {
    const { atlas, provider, store, clock, count } = scene();
    const owner = await store.identity();
    for (let index = 0; index < 101; index += 1)
      provider.add({ name: `atlas-default-${String(index).padStart(20, "0")}`, owner });
    provider.script("terminate", { fault: "ignored", times: Number.POSITIVE_INFINITY });
    const reaper = atlas.startReaper({ everySeconds: 60 });
    await begun(clock);
    await clock.advance(10);
    expect(count("list")).toBeLessThanOrEqual(12);
    await reaper.stop();
  });

  it("survives a pass that fails and a listener that throws, and says so", async () => {
    const errors: unknown[] = [];
    const quiet = (): void => undefined;
    const clock = manualClock();
    let isUp = false;
    const store = intercept(memoryStore({ clock }), ["claimDue"], () => {
      if (!isUp) throw new AtlasError("STORE_UNAVAILABLE", "the store is down");
    });
    let passes = 0;
    const logger = {
      debug: quiet,
      info: quiet,
      warn: quiet,
      error: (message: string) => errors.push(message),
    };
    const { atlas } = scene({ clock, store, logger });
    await using _ = atlas.startReaper({
      everySeconds: 1,
      onReport: () => {
        passes += 1;
        throw new Error("listener");
      },
    });
    await begun(clock);
    await clock.advance(3);
    expect(errors).toContain("a pass of the reaper failed; it goes on");
    isUp = true;
    await clock.advance(3);
    expect(passes).toBeGreaterThanOrEqual(3);
    expect(errors).toContain("onReport threw");
  });

  it("waits its whole pause after a pass that failed, and logs the reason", async () => {
    const lines: unknown[][] = [];
    const quiet = (): void => undefined;
    const error = (...line: unknown[]): void => void lines.push(line);
    const down = (): never => {
      throw new AtlasError("STORE_UNAVAILABLE", "the store is down");
    };
    const { atlas, clock } = scene({
      logger: { debug: quiet, info: quiet, warn: quiet, error },
      through: (store) => intercept(store, ["claimDue"], down),
    });
    await using _ = atlas.startReaper({ everySeconds: 60 });
    await begun(clock);
    await clock.advance(59);
    const facts = { error: "STORE_UNAVAILABLE: the store is down" };
    expect(lines).toEqual([["a pass of the reaper failed; it goes on", facts]]);
    await clock.advance(1);
    expect(lines).toHaveLength(2);
  });

  it("waits its whole pause after a pass whose work failed, although more is left", async () => {
    const { atlas, provider, store, clock } = scene();
    const owner = await store.identity();
    for (let index = 0; index < 101; index += 1)
      provider.add({ name: `atlas-default-${String(index).padStart(20, "0")}`, owner });
    provider.script("terminate", { fault: "error-before", times: Number.POSITIVE_INFINITY });
    const reports: ReapReport[] = [];
    await using _ = atlas.startReaper({ everySeconds: 60, onReport: (report) => reports.push(report) });
    await begun(clock);
    await clock.advance(59);
    expect(reports.map(({ remaining, failed }) => [remaining, failed.length])).toEqual([[true, 100]]);
  });

  it("searches no sooner for what it leaves alone, and again from 59 seconds on", async () => {
    const { atlas, provider, clock, count } = scene();
    provider.add({ name: `atlas-default-${"0".repeat(20)}`, owner: "another store" });
    await using _ = atlas.startReaper({ everySeconds: 29.5 });
    await begun(clock);
    await clock.advance(58);
    expect(count("list")).toBe(1);
    await clock.advance(1);
    expect(count("list")).toBe(2);
  });

  it("stops after the pass that is under way", async () => {
    const { spawn, atlas, clock, record, settle, provider } = scene({ mock: { latencySeconds: 10 } });
    const compute = await spawn({ idleTimeoutSeconds: 60 });
    await settle(compute.waitUntilReady());
    await clock.advance(61);
    const reaper = atlas.startReaper();
    await begun(clock);
    await clock.advance(5);
    let isStopped = false;
    const stopped = reaper.stop().then(() => {
      isStopped = true;
    });
    await clock.advance(1);
    expect(isStopped).toBe(false);
    await settle(stopped);
    expect((await record(compute.id)).status).toBe("terminated");
    const calls = provider.calls.length;
    await clock.advance(1000);
    expect(provider.calls).toHaveLength(calls);
    await reaper.stop();
  });

  it.each([[{ everySeconds: 0 }], [{ everySeconds: 3601 }], [{ every: 5 }], [{ onReport: "log" }]])(
    "refuses %o",
    async (options) => {
      const { atlas, failure } = scene();
      const start = Promise.resolve().then(() => atlas.startReaper(options as never));
      const error = await failure(start);
      expect(error).toMatchObject({ code: "VALIDATION" });
      expect(error.message).toContain("options of startReaper");
    },
  );
});

describe("close", () => {
  it("stops the reapers, lets go of providers and store, and ends no compute", async () => {
    const closed: string[] = [];
    const clock = manualClock();
    const provider = intercept(mock({ clock }), ["close"], () => closed.push("provider"));
    const store = intercept(memoryStore({ clock }), ["close"], () => closed.push("store"));
    const { atlas, spawn, settle } = scene({ clock, providers: [provider], store });
    await spawn();
    atlas.startReaper();
    await begun(clock);
    await settle(atlas.close());
    expect(closed).toEqual(["provider", "store"]);
    expect(clock.sleeping).toBe(0);
    expect(provider.instances.map(({ status }) => status)).toEqual(["running"]);
  });

  it("lets go of the store although a provider fails to close", async () => {
    const closed: string[] = [];
    const clock = manualClock();
    const provider = intercept(mock({ clock }), ["close"], () => {
      throw new Error("stuck");
    });
    const store = intercept(memoryStore({ clock }), ["close"], () => closed.push("store"));
    const atlas = createAtlas({ providers: [provider], store, clock });
    await expect(atlas.close()).rejects.toThrow("stuck");
    expect(closed).toEqual(["store"]);
  });

  it("happens at the end of an await using block", async () => {
    const closed: string[] = [];
    const store = intercept(memoryStore(), ["close"], () => closed.push("store"));
    {
      await using _ = createAtlas({ providers: [mock()], store });
    }
    expect(closed).toEqual(["store"]);
  });
});
