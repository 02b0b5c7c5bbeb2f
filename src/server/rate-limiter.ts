import type { Clock } from "../clock.ts";
import { BoundedMap } from "../internal/bounded-map.ts";

/** How often something may happen. */
export interface Rate {
  readonly perMinute: number;
  /** How many at once, after a rest. */
  readonly burst: number;
}

/** More than enough for the pods of one process; one entry is some hundred bytes. */
const MAX_BUCKETS = 50_000;

/**
 * A bucket for each key. Of a bucket only the time at which it will be full again is kept (the generic cell rate algorithm): nothing is
 * refilled in steps, so nothing is lost by asking often, and a bucket that was forgotten is a full one.
 */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #fullAt: BoundedMap<string, number>;

  constructor(clock: Clock, maxBuckets: number = MAX_BUCKETS) {
    this.#clock = clock;
    this.#fullAt = new BoundedMap(maxBuckets);
  }

  /** How many buckets are kept. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** Takes one from the key's bucket: 0, or if it is empty the seconds until it has one again. */
  take(key: string, { perMinute, burst }: Rate): number {
    const interval = 60_000 / perMinute;
    const now = this.#clock.now().getTime();
    const fullAt = Math.min(Math.max(this.#fullAt.get(key) ?? now, now), now + burst * interval);
    const wait = fullAt - now - (burst - 1) * interval;
    this.#fullAt.set(key, wait > 0 ? fullAt : fullAt + interval);
    return wait > 0 ? Math.ceil(wait / 1000) : 0;
  }
}
