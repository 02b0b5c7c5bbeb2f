import { beforeAll, expect, it } from "vitest";
import { persist, StepFailedError } from "../../src/guard/life/persist.ts";
import { loadRetry } from "../../src/internal/retry.ts";
import { manualClock } from "../../src/providers/mock/index.ts";

beforeAll(loadRetry);

const open = new AbortController().signal;

/** A step that fails so many times, and the times of its runs in seconds. */
function failing(times: number, error: () => Error = () => new StepFailedError("not yet")) {
  const clock = manualClock();
  const start = clock.now().getTime();
  const runs: number[] = [];
  const step = async (): Promise<string> => {
    runs.push((clock.now().getTime() - start) / 1000);
    if (runs.length <= times) throw error();
    return "done";
  };
  return { clock, runs, step };
}

it("repeats a failed step with pauses that double up to a minute, each cut by up to a quarter", async () => {
  const { clock, runs, step } = failing(5);
  expect(await clock.settle(persist({ clock, signal: open }, step))).toBe("done");
  const pauses = runs.slice(1).map((at, index) => at - (runs[index] ?? 0));
  expect(pauses).toHaveLength(5);
  for (const [index, full] of [15, 30, 60, 60, 60].entries()) {
    expect(pauses[index]).toBeLessThanOrEqual(full);
    expect(pauses[index]).toBeGreaterThanOrEqual(full * 0.75);
  }
});

it("resolves with nothing when the signal aborts during a pause, and leaves no timer behind", async () => {
  const { clock, runs, step } = failing(5);
  const closing = new AbortController();
  const done = persist({ clock, signal: closing.signal }, step);
  await clock.advance(1);
  closing.abort();
  expect(await done).toBeUndefined();
  expect([runs.length, clock.sleeping]).toEqual([1, 0]);
});

it("does not run a step after the signal has aborted", async () => {
  const { clock, runs, step } = failing(0);
  expect(await persist({ clock, signal: AbortSignal.abort() }, step)).toBeUndefined();
  expect(runs).toEqual([]);
});

it("passes every other error on at once", async () => {
  const { clock, runs, step } = failing(5, () => new RangeError("a mistake in the step"));
  await expect(persist({ clock, signal: open }, step)).rejects.toThrow("a mistake in the step");
  expect(runs).toEqual([0]);
});
