import type { Clock } from "../clock.ts";

/** Waits on a clock. Ends early, and without an error, when the signal aborts: whoever waits looks at the signal. */
export async function pause(clock: Clock, seconds: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(seconds * 1000, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Seconds to wait before the next try: 15, 30, then 60, each cut by up to a quarter so that pods spread out. */
export function retrySeconds(failures: number): number {
  return Math.min(60, 15 * 2 ** failures) * (1 - Math.random() / 4);
}
