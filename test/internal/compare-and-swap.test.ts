import { expect, it } from "vitest";
import { compareAndSwap } from "../../src/internal/compare-and-swap.ts";
import { leapingClock } from "../fakes/clock.ts";
import { failureOf } from "../support/failure-of.ts";

/** A step that another writer beats this many times. */
function beaten(times: number): {
  readonly step: () => Promise<string | undefined>;
  readonly tries: () => number;
} {
  let tries = 0;
  const step = async (): Promise<string | undefined> => {
    tries += 1;
    return tries > times ? "written" : undefined;
  };
  return { step, tries: () => tries };
}

it("writes at the first try without a pause", async () => {
  const clock = leapingClock();
  expect(await compareAndSwap({ clock, what: "the record" }, beaten(0).step)).toBe("written");
  expect(clock.waits).toEqual([]);
});

it("tries again after each collision, with a pause that stays below a quarter of a second", async () => {
  const clock = leapingClock();
  const { step, tries } = beaten(49);
  expect(await compareAndSwap({ clock, what: "the record" }, step)).toBe("written");
  expect([tries(), clock.waits.length]).toEqual([50, 49]);
  expect(Math.max(...clock.waits)).toBeLessThanOrEqual(250);
});

it("gives up after fifty collisions with CONFLICT, naming the record", async () => {
  const { step, tries } = beaten(1000);
  const contended = { clock: leapingClock(), what: "compute a", facts: { computeId: "a" } };
  const error = await failureOf(compareAndSwap(contended, step));
  expect(error).toMatchObject({ code: "CONFLICT", retryable: true, computeId: "a" });
  expect(error.message).toContain("compute a");
  expect(tries()).toBe(50);
});

it("passes on the error of a step, without another try", async () => {
  const error = new Error("the store is away");
  let tries = 0;
  const writing = compareAndSwap({ clock: leapingClock(), what: "the record" }, async () => {
    tries += 1;
    throw error;
  });
  await expect(writing).rejects.toBe(error);
  expect(tries).toBe(1);
});
