import { describe, expect, it } from "vitest";
import { AtlasError } from "../../src/errors.ts";
import { type ManualClock, manualClock } from "../../src/providers/mock/index.ts";
import type { Store } from "../../src/store.ts";
import { type Scene, type SceneOptions, scene } from "../support/scene.ts";

/** The tenth of a month, so that no test meets the next one by accident. */
const tenth = (): ManualClock => manualClock(new Date("2026-06-10T12:00:00.000Z"));

const lasting = { gpu: "l4", idleTimeoutSeconds: null, maxLifetimeSeconds: null } as const;

function budgetScene(options: SceneOptions): Scene {
  return scene({ clock: tenth(), mock: { costPerHour: 3600 }, ...options });
}

/** Lets a reaper make a pass every so many seconds, and returns the seconds at which no compute was alive. */
async function reapUntilEnded({ clock, reap, alive }: Scene, everySeconds: number): Promise<number> {
  const begin = clock.now().getTime();
  for (let pass = 0; pass < 2000 && alive().length > 0; pass += 1) {
    await clock.advance(everySeconds);
    await reap();
  }
  return (clock.now().getTime() - begin) / 1000;
}

async function told({ events }: Scene, id: string): Promise<readonly string[]> {
  return (await events(id)).flatMap(({ type, status, reason, data }) => {
    if (type === "ending-soon") return [`warned of ${data.reason}`];
    return reason === null ? [] : [`${status} by ${reason}`];
  });
}

describe("a month's budget", () => {
  it("ends what spends it when it is spent, after a warning, and no other user's computes", async () => {
    const world = budgetScene({ limits: { costPerMonthPerUser: 3000 } });
    const { id } = await world.spawn({ ...lasting, userId: "ann" });
    const other = await world.spawn({ ...lasting, userId: "bob" });
    await world.settle(world.atlas.terminate(other.id));
    expect(await reapUntilEnded(world, 15)).toBeCloseTo(3000, -2);
    expect(await told(world, id)).toEqual([
      "warned of budget",
      "terminating by budget",
      "terminated by budget",
    ]);
    const warned = (await world.events(id)).find(({ type }) => type === "ending-soon");
    const seconds = (Date.parse(String(warned?.data.at)) - Number(warned?.at)) / 1000;
    expect(seconds).toBeGreaterThanOrEqual(90);
    const [ann] = await world.atlas.costs({ by: "user" });
    expect(ann?.key).toBe("ann");
    expect(ann?.cost).toBeLessThan(3000 + 100);
    const again = await world.failure(world.atlas.spawnCompute({ userId: "ann" }));
    expect(again).toMatchObject({
      code: "LIMIT_EXCEEDED",
      details: { limit: "costPerMonthPerUser", allowed: 3000 },
    });
    expect(again.message).toMatch(
      /user "ann" has spent 30\d\d(\.\d+)? US dollars since the first of this month \(UTC\): wait/,
    );
    expect((await world.spawn({ ...lasting, userId: "bob" })).status).not.toBe("failed");
  });

  it("of the namespace ends the computes of every user at about the same time", async () => {
    const world = budgetScene({ limits: { costPerMonth: 10_000 } });
    const computes = [];
    for (const userId of ["ann", "bob", undefined])
      computes.push(await world.spawn({ ...lasting, ...(userId && { userId }) }));
    await reapUntilEnded(world, 15);
    for (const { id } of computes)
      expect(await told(world, id)).toEqual([
        "warned of budget",
        "terminating by budget",
        "terminated by budget",
      ]);
    const [all] = await world.atlas.costs({ by: "provider" });
    expect(all?.cost).toBeGreaterThan(9700);
    expect(all?.cost).toBeLessThan(10_300);
  });

  it("that is spent already still gives the whole time of the warning", async () => {
    const world = budgetScene({ limits: { costPerMonthPerUser: 100 } });
    const { id } = await world.spawn({ ...lasting, userId: "ann", warnBeforeEndSeconds: 600 });
    await world.clock.advance(5000);
    await world.reap();
    expect(await told(world, id)).toEqual(["warned of budget"]);
    await world.clock.advance(590);
    await world.reap();
    expect((await world.record(id)).status).toBe("running");
    await world.clock.advance(10);
    await world.reap();
    expect((await world.record(id)).reason).toBe("budget");
  });

  it("does not end what the next month pays for", async () => {
    const clock = manualClock(new Date("2026-06-30T23:50:00.000Z"));
    const world = budgetScene({ clock, limits: { costPerMonthPerUser: 700 } });
    const { id } = await world.spawn({ ...lasting, userId: "ann" });
    for (let pass = 0; pass < 50; pass += 1) {
      await clock.advance(20);
      await world.reap();
    }
    expect((await world.record(id)).status).toBe("running");
    expect(await told(world, id)).toEqual([]);
    const [june] = await world.atlas.costs({ by: "user", from: "2026-06-01", to: "2026-06-30" });
    expect(june?.cost).toBeCloseTo(600, 5);
  });

  it("that is raised or given up before the end takes the deadline back", async () => {
    const low = budgetScene({ limits: { costPerMonthPerUser: 300 } });
    const { id } = await low.spawn({ ...lasting, userId: "ann" });
    await low.clock.advance(15);
    await low.reap();
    expect((await low.record(id)).budgetDeadline).not.toBeNull();
    for (const limits of [{ costPerMonthPerUser: 30_000 }, {}]) {
      const high = budgetScene({ clock: low.clock, store: low.store, limits });
      await low.clock.advance(400);
      await low.settle(high.atlas.reap({ orphans: "ignore" }));
      expect(await low.record(id)).toMatchObject({ status: "running", budgetDeadline: null });
    }
  });

  it("ends a compute exactly once, though reapers die at every step of it", async () => {
    for (let step = 1; step <= 12; step += 1) {
      let calls = 0;
      const dying = (store: Store): Store =>
        new Proxy(store, {
          get: (target, name) => {
            const method: unknown = Reflect.get(target, name);
            if (typeof method !== "function") return method;
            if (name === "forDeployment")
              return (deployment: string) => dying(target.forDeployment(deployment));
            return (...given: unknown[]) => {
              calls += 1;
              if (calls % step === 0 && calls < 60)
                throw new AtlasError("STORE_UNAVAILABLE", "the reaper died here", { retryable: false });
              return Reflect.apply(method, target, given);
            };
          },
        });
      const world = budgetScene({ limits: { costPerMonthPerUser: 300 } });
      const { id } = await world.spawn({ ...lasting, userId: "ann" });
      const reaper = scene({
        clock: world.clock,
        store: world.store,
        through: dying,
        providers: [world.provider],
        limits: { costPerMonthPerUser: 300 },
      });
      for (let pass = 0; pass < 200 && world.alive().length > 0; pass += 1) {
        await world.clock.advance(15);
        await world.settle(reaper.atlas.reap().catch(() => undefined));
      }
      expect(await told(world, id), `a death at every call ${step}`).toEqual([
        ...["warned of budget", "terminating by budget", "terminated by budget"],
      ]);
    }
  });
});
