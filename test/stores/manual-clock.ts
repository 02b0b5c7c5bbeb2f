import type { Clock } from "../../src/clock.ts";

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  advance(seconds: number): void;
}

/** A clock at a fixed moment. */
export function manualClock(start: Date = new Date("2030-01-02T03:04:05.678Z")): ManualClock {
  let now = start.getTime();
  return {
    now: () => new Date(now),
    sleep: () => Promise.reject(new Error("nothing in a store waits on its clock")),
    advance: (seconds) => {
      now += Math.round(seconds * 1000);
    },
  };
}
