/**
 * The source of time. All code that waits or compares times takes a clock, so that tests can move it.
 */

/** A source of time, and a way to wait on it. */
export interface Clock {
  /** The present time. */
  now(): Date;
  /**
   * Resolves when that many milliseconds have passed on this clock.
   * @throws the signal's reason when the signal aborts first; no timer stays behind.
   */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", abort);
        resolve();
      }, milliseconds);
      signal?.addEventListener("abort", abort);
    }),
};
