import type { Clock } from "../clock.ts";

/** Waits on the clock; an abort ends the wait without an error. */
export async function pause(clock: Clock, seconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await clock.sleep(seconds * 1000, signal);
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
