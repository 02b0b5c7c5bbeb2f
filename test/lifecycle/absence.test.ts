import { describe, expect, it } from "vitest";
import type { Compute } from "../../src/index.ts";
import type { Instance, Provider } from "../../src/provider.ts";
import { type MockProvider, manualClock, mock } from "../../src/providers/mock/index.ts";
import { type Scene, scene } from "../support/scene.ts";

interface TwoAccounts {
  readonly stage: Scene;
  readonly computes: readonly Compute[];
  /** The lines that an operator should look at. */
  readonly errors: readonly string[];
  readonly cloud: MockProvider;
  /** With the wrong key the provider answers for another account: it lists nothing, and knows no instance. */
  readonly key: { isWrong: boolean };
  /** The instances that the right account has. */
  alive(): number;
}

async function withComputes(count: number, request: object = {}): Promise<TwoAccounts> {
  const clock = manualClock();
  const cloud = mock({ clock });
  const key = { isWrong: false };
  const errors: string[] = [];
  const silent = (): void => undefined;
  const ask = async <Result>(call: () => Promise<Result>, otherwise: Result): Promise<Result> =>
    key.isWrong ? otherwise : call();
  const provider: Provider = {
    ...cloud,
    list: (...given) => ask<readonly Instance[]>(() => cloud.list(...given), []),
    find: async (name, context) =>
      ask<readonly Instance[]>(() => cloud.list({ namePrefix: name }, context), []),
    get: (...given) => ask<Instance | undefined>(() => cloud.get(...given), undefined),
    terminate: (...given) => ask<void>(() => cloud.terminate(...given), undefined),
  };
  const error = (line: string): void => void errors.push(line);
  const logger = { debug: silent, info: silent, warn: silent, error };
  const stage = scene({ clock, providers: [provider], fetch: cloud.fetch, logger });
  const computes: Compute[] = [];
  for (let index = 0; index < count; index += 1)
    computes.push(await stage.spawn({ idleTimeoutSeconds: null, userId: `u${index}`, ...request }));
  await clock.advance(60);
  for (const compute of computes) await stage.settle(compute.waitUntilReady());
  const alive = (): number => cloud.instances.filter(({ status }) => status !== "terminated").length;
  return { stage, computes, errors, cloud, key, alive };
}

/** Lets time pass, with a pass of the reaper every 30 seconds. */
async function reapFor({ stage }: TwoAccounts, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 30) {
    await stage.clock.advance(30);
    await stage.reap();
  }
}

async function statuses({ stage, computes }: TwoAccounts): Promise<readonly string[]> {
  const records = await Promise.all(computes.map(({ id }) => stage.record(id)));
  return records.map(({ status, reason }) => `${status} ${reason}`);
}

describe("law 17: a mass disappearance is suspicious, not proof", () => {
  it("ends nothing while a wrong key shows none of several computes, tells of it in every pass, and goes on with the right key", async () => {
    const world = await withComputes(3);
    await reapFor(world, 300);
    world.key.isWrong = true;
    await reapFor(world, 840);
    expect(await statuses(world)).toEqual(Array(3).fill("running null"));
    const told = world.errors.filter((line) => line.includes("shows none of 3 computes"));
    expect(told.length).toBeGreaterThan(10);
    world.key.isWrong = false;
    await reapFor(world, 1200);
    expect(await statuses(world)).toEqual(Array(3).fill("running null"));
    expect(world.alive()).toBe(3);
  });

  it("believes it after a quarter of an hour, and takes the computes up again when they turn up", async () => {
    const world = await withComputes(2);
    world.key.isWrong = true;
    await reapFor(world, 1800);
    expect(await statuses(world)).toEqual(Array(2).fill("terminated vanished"));
    world.key.isWrong = false;
    await world.stage.clock.advance(60);
    const report = await world.stage.reap();
    expect(report.orphans).toEqual([]);
    expect(report.settled.map(({ reason }) => reason)).toEqual(Array(2).fill("vanished, taken up again"));
    expect(await statuses(world)).toEqual(Array(2).fill("running null"));
    expect(world.alive()).toBe(2);
    const [first] = world.computes;
    const events = await world.stage.events(String(first?.id));
    expect(events.at(-1)).toMatchObject({ status: "running", data: { note: expect.any(String) } });
  });

  it("ends one compute after two looks, 30 seconds apart, that miss it, while others are shown", async () => {
    const world = await withComputes(3);
    world.cloud.vanish("mock-1");
    await untilMissed(world);
    expect(await statuses(world)).toEqual(Array(3).fill("running null"));
    await world.stage.clock.advance(29);
    await world.stage.reap();
    expect(await statuses(world)).toEqual(Array(3).fill("running null"));
    await world.stage.clock.advance(1);
    await world.stage.reap();
    expect(await statuses(world)).toEqual(["terminated vanished", "running null", "running null"]);
  });

  it("forgets an absence when the instance is seen again", async () => {
    const world = await withComputes(1);
    world.key.isWrong = true;
    const missed = await untilMissed(world);
    world.key.isWrong = false;
    await reapFor(world, 60);
    expect(await world.stage.record(missed)).toMatchObject({ status: "running", absentSince: null });
    world.key.isWrong = true;
    expect(await untilMissed(world)).toBe(missed);
    expect(await statuses(world)).toEqual(["running null"]);
  });

  it("leaves the slot to the compute that took it meanwhile", async () => {
    const world = await withComputes(1, { slot: "default" });
    world.key.isWrong = true;
    await reapFor(world, 600);
    expect(await statuses(world)).toEqual(["terminated vanished"]);
    world.key.isWrong = false;
    const { stage, computes } = world;
    const second = await stage.settle(stage.atlas.getOrSpawn({ userId: "u0", slot: "default" }));
    await stage.clock.advance(60);
    await stage.reap();
    expect(await stage.record(String(computes[0]?.id))).toMatchObject({ status: "running", slot: null });
    expect(await stage.settle(stage.atlas.getOrSpawn({ userId: "u0", slot: "default" }))).toMatchObject({
      id: second.id,
    });
  });

  it("changes nothing in a dry run", async () => {
    const world = await withComputes(1);
    world.key.isWrong = true;
    await reapFor(world, 600);
    world.key.isWrong = false;
    await world.stage.clock.advance(60);
    const { settled } = await world.stage.reap({ dryRun: true });
    expect(settled).toMatchObject([{ reason: "vanished, taken up again" }]);
    expect(await statuses(world)).toEqual(["terminated vanished"]);
  });
});

/** Lets time pass until a look has missed the first compute. @returns its id */
async function untilMissed(world: TwoAccounts): Promise<string> {
  const id = String(world.computes[0]?.id);
  for (let passes = 0; passes < 100; passes += 1) {
    await reapFor(world, 30);
    if ((await world.stage.record(id)).absentSince !== null) return id;
  }
  throw new Error("no look missed the compute");
}
