import fc from "fast-check";
import { expect, test } from "vitest";
import { manualClock } from "../../src/providers/mock/index.ts";

test("time stands still until it is moved", async () => {
  const start = new Date("2026-03-01T12:00:00Z");
  const clock = manualClock(start);
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(clock.now()).toEqual(start);
  await clock.advance(90);
  expect(clock.now()).toEqual(new Date("2026-03-01T12:01:30Z"));
});

test("every sleeper wakes at its own moment, in order, whatever order they fell asleep in", async () => {
  const naps = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(naps, async (milliseconds) => {
      const clock = manualClock(new Date(0));
      const woken: number[] = [];
      for (const nap of milliseconds) void clock.sleep(nap).then(() => woken.push(clock.now().getTime()));
      await clock.advance(5);
      expect(woken).toEqual(milliseconds.toSorted((a, b) => a - b));
      expect(clock.sleeping).toBe(0);
    }),
    { numRuns: 30 },
  );
});

test("a sleeper whose time is after the end of an advance sleeps on", async () => {
  const clock = manualClock();
  let awake = false;
  const sleeper = clock.sleep(2001).then(() => {
    awake = true;
  });
  await clock.advance(2);
  expect([awake, clock.sleeping]).toEqual([false, 1]);
  await clock.advance(0.001);
  expect([awake, clock.sleeping]).toEqual([true, 0]);
  await sleeper;
});

test("a sleep that begins on the way ends on the way", async () => {
  const clock = manualClock(new Date(0));
  const ticks: number[] = [];
  const loop = async (): Promise<void> => {
    for (let tick = 0; tick < 5; tick += 1) {
      await clock.sleep(1000);
      ticks.push(clock.now().getTime());
    }
  };
  const ticking = loop();
  await clock.advance(5);
  await ticking;
  expect(ticks).toEqual([1000, 2000, 3000, 4000, 5000]);
});

test("a sleep of no time is over at once", async () => {
  const clock = manualClock();
  await clock.sleep(0);
  await clock.sleep(-5);
  expect(clock.sleeping).toBe(0);
});

test("an aborted sleep rejects with the signal's reason, and the clock has no sleeper", async () => {
  const clock = manualClock();
  const giveUp = new AbortController();
  const sleeping = clock.sleep(1000, giveUp.signal);
  giveUp.abort(new Error("enough"));
  await expect(sleeping).rejects.toThrow("enough");
  await expect(clock.sleep(1000, giveUp.signal)).rejects.toThrow("enough");
  expect(clock.sleeping).toBe(0);
});

test("settle moves time from sleeper to sleeper, and no further than it must", async () => {
  const clock = manualClock(new Date(0));
  const work = async (): Promise<string> => {
    await clock.sleep(1500);
    await clock.sleep(500);
    return "done";
  };
  void clock.sleep(60_000);
  expect(await clock.settle(work())).toBe("done");
  expect(clock.now()).toEqual(new Date(2000));
});

test("settle answers as the promise does, also when it rejects or waits for something real", async () => {
  const clock = manualClock();
  await expect(clock.settle(Promise.reject(new Error("no")))).rejects.toThrow("no");
  const real = new Promise((resolve) => setTimeout(() => resolve("real"), 20));
  expect(await clock.settle(real)).toBe("real");
});

test("settle gives up on a promise that outlasts its limit, and leaves time where the last sleeper woke", async () => {
  const clock = manualClock(new Date(0));
  const forever = async (): Promise<void> => {
    for (;;) await clock.sleep(1000);
  };
  await expect(clock.settle(forever(), 10)).rejects.toThrow("still pending after 10 seconds on the clock");
  expect(clock.now()).toEqual(new Date(10_000));
});
