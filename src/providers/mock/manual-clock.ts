/** The clock of tests. */
import type { Clock } from "../../clock.ts";

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** The number of sleepers on this clock. */
  readonly sleeping: number;
  /**
   * Moves time forward. Sleepers wake in order, each at its own time, and the promises that follow settle before the next sleeper wakes.
   * A sleep that begins and is due within these seconds ends within them too.
   */
  advance(seconds: number): Promise<void>;
  /**
   * Moves time from sleeper to sleeper until the promise settles, and returns its result.
   * @throws Error when the promise is still pending after `limitSeconds` on this clock, or after five real seconds without
   * a sleeper.
   */
  settle<Result>(promise: PromiseLike<Result>, limitSeconds?: number): Promise<Result>;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

const DAY_SECONDS = 86_400;
const REAL_PATIENCE_MILLISECONDS = 5_000;

/**
 * Makes a clock for tests. It begins at the given time, by default the first moment of 2026 (UTC).
 *
 * @example
 * ```ts
 * import { manualClock, mock } from "atlas-compute/mock";
 *
 * const clock = manualClock();
 * const provider = mock({ clock, bootSeconds: 30 });
 * await clock.advance(30);
 * ```
 */
export function manualClock(start: Date = new Date("2026-01-01T00:00:00Z")): ManualClock {
  return new Manual(start.getTime());
}

class Manual implements ManualClock {
  #now: number;
  #sleepers: Sleeper[] = [];

  constructor(start: number) {
    this.#now = start;
  }

  get sleeping(): number {
    return this.#sleepers.length;
  }

  now(): Date {
    return new Date(this.#now);
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (milliseconds <= 0) return resolve();
      const abort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason);
      };
      const wake = (): void => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      const sleeper = { at: this.#now + milliseconds, wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  async advance(seconds: number): Promise<void> {
    const end = this.#now + seconds * 1000;
    await promisesToSettle();
    while (await this.#wakeNext(end));
    this.#now = end;
  }

  async settle<Result>(promise: PromiseLike<Result>, limitSeconds = DAY_SECONDS): Promise<Result> {
    const end = this.#now + limitSeconds * 1000;
    const watched = watch(promise);
    let realDeadline = Date.now() + REAL_PATIENCE_MILLISECONDS;
    for (await promisesToSettle(); !watched.settled; await promisesToSettle()) {
      if (await this.#wakeNext(end)) realDeadline = Date.now() + REAL_PATIENCE_MILLISECONDS;
      else if (this.sleeping > 0) throw new Error(`still pending after ${limitSeconds} seconds on the clock`);
      else if (Date.now() > realDeadline) throw new Error("still pending, and the clock has no sleeper");
      else await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return promise;
  }

  async #wakeNext(end: number): Promise<boolean> {
    const next = this.#sleepers.reduce<Sleeper | undefined>(earlier, undefined);
    if (next === undefined || next.at > end) return false;
    this.#sleepers = this.#sleepers.filter((other) => other !== next);
    this.#now = next.at;
    next.wake();
    await promisesToSettle();
    return true;
  }
}

function earlier(first: Sleeper | undefined, second: Sleeper): Sleeper {
  return first !== undefined && first.at <= second.at ? first : second;
}

function watch(promise: PromiseLike<unknown>): { readonly settled: boolean } {
  const state = { settled: false };
  const settle = (): void => {
    state.settled = true;
  };
  promise.then(settle, settle);
  return state;
}

/** Several turns of the event loop, because one callback may set off the next. */
async function promisesToSettle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
