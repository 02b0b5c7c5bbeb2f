import type { Clock } from "../clock.ts";

/** Waits on the clock. Ends early, and without an error, when the signal aborts: the caller reads the signal. */
export async function pause(clock: Clock, seconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await clock.sleep(seconds * 1000, signal);
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
