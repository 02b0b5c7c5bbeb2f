/** Clocks for tests. */
import type { Clock } from "../../src/clock.ts";

/** A clock without real waiting: a sleep moves the time and ends. */
export interface LeapingClock extends Clock {
  /** Every sleep so far, in milliseconds. */
  readonly waits: readonly number[];
  /** Moves the time. */
  advance(milliseconds: number): void;
}

/** A clock that stands still and refuses to wait. */
export function fixedClock(unixSeconds: number): Clock {
  return {
    now: () => new Date(unixSeconds * 1000),
    sleep: () => Promise.reject(new Error("a fixed clock cannot wait")),
  };
}

/** Makes a leaping clock that begins at this time. */
export function leapingClock(start: Date = new Date("2026-11-20T12:00:00Z")): LeapingClock {
  let time = start.getTime();
  const waits: number[] = [];
  return {
    waits,
    now: () => new Date(time),
    advance: (milliseconds) => {
      time += milliseconds;
    },
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      waits.push(milliseconds);
      time += milliseconds;
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    },
  };
}
