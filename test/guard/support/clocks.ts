import type { Clock } from "../../../src/clock.ts";

/** A clock that stands still; nobody may wait on it. */
export function fixedClock(unixSeconds: number): Clock {
  return {
    now: () => new Date(unixSeconds * 1000),
    sleep: () => Promise.reject(new Error("nobody may wait on a clock that stands still")),
  };
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** A clock that a test moves; sleepers wake in the order of their times. */
export class ManualClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];

  constructor(start = 1_700_000_000_000) {
    this.#now = start;
  }

  now(): Date {
    return new Date(this.#now);
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper = { at: this.#now + milliseconds, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", () => {
        this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
        reject(signal.reason);
      });
    });
  }

  /** How many wait. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Moves time, lets everything that is due happen, and what follows from it. */
  async advance(seconds: number): Promise<void> {
    const end = this.#now + seconds * 1000;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.at);
      this.#sleepers = this.#sleepers.filter((one) => one !== next);
      next.wake();
      await settle();
    }
    this.#now = end;
  }

  /** Moves time while nothing runs, as when a machine is suspended; who waits wakes with the next advance. */
  jump(seconds: number): void {
    this.#now += seconds * 1000;
  }

  #next(end: number): Sleeper | undefined {
    return this.#sleepers.filter(({ at }) => at <= end).toSorted((one, other) => one.at - other.at)[0];
  }
}

/** Lets promises that can settle do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
