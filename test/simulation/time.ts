/** The time of a simulation, and the clocks that its processes read. */
import type { Clock } from "../../src/clock.ts";

/** A sleep that has not ended. */
export interface Sleeper<Owner> {
  readonly owner: Owner;
  readonly at: number;
  /** True for the time limit of a call, which has a signal; false for a pause between two steps. */
  readonly isLimit: boolean;
  readonly wake: () => void;
}

/** Time that stands still until the schedule moves it. */
export class SimulatedTime<Owner> {
  now: number = Date.UTC(2026, 0, 1);
  #sleepers: Sleeper<Owner>[] = [];

  /** The time on the store's and the provider's side, where nothing sleeps. */
  get plain(): Clock {
    return { now: () => new Date(this.now), sleep: async () => undefined };
  }

  /** The due times of those that sleep, in order. */
  get due(): readonly number[] {
    return this.#sleepers.map(({ at }) => at);
  }

  /** The clock of a process, which may be wrong by some seconds. `read` hears of every time that the process reads. */
  clockOf(owner: Owner, wrongSeconds: number, read: (time: number) => void): Clock {
    return {
      now: () => {
        read(this.now);
        return new Date(this.now + wrongSeconds * 1000);
      },
      sleep: (milliseconds, signal) => this.#sleep(owner, milliseconds, signal),
    };
  }

  /** The sleeper that is due first, among those that count. */
  first(counts: (sleeper: Sleeper<Owner>) => boolean): Sleeper<Owner> | undefined {
    return this.#sleepers
      .filter(counts)
      .reduce<Sleeper<Owner> | undefined>(
        (first, sleeper) => (first !== undefined && first.at <= sleeper.at ? first : sleeper),
        undefined,
      );
  }

  /** Ends a sleep. Its time may have passed before: a timer is never early, and may be late. */
  end(sleeper: Sleeper<Owner>): void {
    this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
    this.now = Math.max(this.now, sleeper.at);
    sleeper.wake();
  }

  #sleep(owner: Owner, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
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
      // A timer counts whole milliseconds.
      const at = this.now + Math.ceil(milliseconds);
      const sleeper = { owner, at, isLimit: signal !== undefined, wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }
}
