import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { orAfter, within } from "../../src/internal/within.ts";
import { manualClock } from "../../src/providers/mock/manual-clock.ts";

const late = new Error("late");
const error = (): Error => late;
const forever = (): Promise<never> => new Promise(() => undefined);

describe("within", () => {
  it("answers as the work does, when that is in time", async () => {
    const clock = manualClock();
    const answer = within({ clock, seconds: 10, error }, async () => {
      await clock.sleep(9000);
      return "answer";
    });
    expect(await clock.settle(answer)).toBe("answer");
    expect(clock.sleeping).toBe(0);
  });

  it("throws the limit's error when the time is over, and aborts the work with it", async () => {
    const clock = manualClock();
    let given: AbortSignal | undefined;
    const answer = within({ clock, seconds: 10, error }, (signal) => {
      given = signal;
      return forever();
    });
    await expect(clock.settle(answer)).rejects.toBe(late);
    expect(clock.now()).toEqual(new Date("2026-01-01T00:00:10Z"));
    expect(given?.reason).toBe(late);
  });

  it("throws the limit's error also where the work answers the abort with an error of its own", async () => {
    const clock = manualClock();
    const answer = within({ clock, seconds: 10, error }, async (signal) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      throw new Error("aborted");
    });
    await expect(clock.settle(answer)).rejects.toBe(late);
  });

  it("throws the signal's reason as soon as the caller gives up", async () => {
    const clock = manualClock();
    const caller = new AbortController();
    const answer = within({ clock, seconds: 10, signal: caller.signal, error }, forever);
    caller.abort("enough");
    await expect(answer).rejects.toBe("enough");
    expect(clock.sleeping).toBe(0);
  });

  it("does not begin work whose caller has given up already", async () => {
    const clock = manualClock();
    let calls = 0;
    const answer = within({ clock, seconds: 10, signal: AbortSignal.abort("enough"), error }, () => {
      calls += 1;
    });
    await expect(answer).rejects.toBe("enough");
    expect([calls, clock.sleeping]).toEqual([0, 0]);
  });

  it.each([
    ["rejects", async () => Promise.reject(new Error("broken"))],
    [
      "throws",
      () => {
        throw new Error("broken");
      },
    ],
  ])("throws the work's own error where the work %s", async (_, work) => {
    await expect(within({ clock: manualClock(), seconds: 10, error }, work)).rejects.toThrow("broken");
  });

  it("has no time limit where none is given", async () => {
    const clock = manualClock();
    const answer = within({ clock, error }, () => "answer");
    expect(clock.sleeping).toBe(0);
    expect(await answer).toBe("answer");
  });

  it("aborts the work's signal when the work has answered, which ends its open transfers", async () => {
    let given: AbortSignal | undefined;
    await within({ clock: manualClock(), seconds: 10, error }, (signal) => {
      given = signal;
    });
    expect(given?.aborted).toBe(true);
  });

  it("ends the work with the clock's error where the clock fails", async () => {
    const broken = new Error("the clock is broken");
    const clock = { now: () => new Date(0), sleep: () => Promise.reject(broken) };
    await expect(within({ clock, seconds: 10, error }, forever)).rejects.toBe(broken);
  });

  it.each([
    ["answered", async () => "answer"],
    ["failed", async () => Promise.reject(new Error("broken"))],
  ])("leaves no listener and no timer behind when the work has %s", async (_, work) => {
    const caller = new AbortController();
    const timers = timersNow();
    await within({ clock: systemClock, seconds: 60, signal: caller.signal, error }, work).catch(() => "");
    await new Promise((resolve) => setImmediate(resolve));
    expect(getEventListeners(caller.signal, "abort")).toEqual([]);
    expect(timersNow()).toBe(timers);
  });

  it("leaves no listener behind when the time is over", async () => {
    const clock = manualClock();
    const caller = new AbortController();
    const answer = within({ clock, seconds: 10, signal: caller.signal, error }, forever);
    await expect(clock.settle(answer)).rejects.toBe(late);
    expect(getEventListeners(caller.signal, "abort")).toEqual([]);
  });
});

describe("orAfter", () => {
  it("answers with the value that comes in time, and leaves no timer behind", async () => {
    const timers = timersNow();
    expect(await orAfter(systemClock, 60, Promise.resolve("value"))).toBe("value");
    await new Promise((resolve) => setImmediate(resolve));
    expect(timersNow()).toBe(timers);
  });

  it("answers undefined when the value takes longer", async () => {
    const clock = manualClock();
    expect(await clock.settle(orAfter(clock, 5, forever()))).toBeUndefined();
    expect(clock.now()).toEqual(new Date("2026-01-01T00:00:05Z"));
  });

  it("throws the promise's error, and leaves no sleeper behind", async () => {
    const clock = manualClock();
    await expect(orAfter(clock, 5, Promise.reject(late))).rejects.toBe(late);
    expect(clock.sleeping).toBe(0);
  });

  it("does not care for a failure that comes too late", async () => {
    const clock = manualClock();
    const failing = clock.sleep(10_000).then(() => Promise.reject(late));
    expect(await clock.settle(orAfter(clock, 5, failing))).toBeUndefined();
    await clock.advance(10);
  });
});

/** The timers that keep this process alive. */
function timersNow(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
}
