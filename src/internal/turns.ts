import type { Clock } from "../clock.ts";
import { pause } from "./pause.ts";

/** A rate that a server allows: so many requests a second, and a burst after a rest. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** A queue for each key, which lets requests go at the rate that a server allows. */
export interface Turns {
  /**
   * Waits for a turn. Ends early when the signal aborts: the caller reads the signal.
   * @returns the seconds until a turn would come, when that is longer than the queue may be; then nothing was waited for
   */
  take(key: string, rate: Rate, signal: AbortSignal): Promise<number | undefined>;
}

const MAX_IDLE_KEYS = 1000;

/** Makes queues of at most `maxSeconds` each. A key without requests under way takes up no memory for long. */
export function createTurns(clock: Clock, maxSeconds: number): Turns {
  // For each key, the time at which the requests so far are spread out evenly.
  const spreadUntil = new Map<string, number>();
  return {
    take: async (key, { perSecond, burst }, signal) => {
      const now = clock.now().getTime() / 1000;
      if (spreadUntil.size > MAX_IDLE_KEYS)
        for (const [other, time] of spreadUntil) if (time <= now) spreadUntil.delete(other);
      const since = Math.max(spreadUntil.get(key) ?? now, now);
      const seconds = since - now - (burst - 1) / perSecond;
      if (seconds > maxSeconds) return seconds;
      spreadUntil.set(key, since + 1 / perSecond);
      if (seconds > 0) await pause(clock, seconds, signal);
      return undefined;
    },
  };
}
