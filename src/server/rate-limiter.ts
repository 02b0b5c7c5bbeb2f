import type { Clock } from "../clock.ts";
import { BoundedMap } from "../internal/bounded-map.ts";

/** A limit on a kind of request. */
export interface Rate {
  readonly perMinute: number;
  /** The most at once, after a rest. */
  readonly burst: number;
}

/** Room for more pods than one process serves; an entry takes about a hundred bytes. */
const MAX_BUCKETS = 50_000;

/**
 * A token bucket for each key. It stores only the time at which a bucket will be full again (the generic cell rate algorithm). Buckets are not
 * refilled in steps, so frequent calls lose nothing to rounding, and a forgotten bucket counts as full.
 */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #fullAt: BoundedMap<string, number>;

  constructor(clock: Clock, maxBuckets: number = MAX_BUCKETS) {
    this.#clock = clock;
    this.#fullAt = new BoundedMap(maxBuckets);
  }

  /** The number of stored buckets. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** Takes one token from the key's bucket. Returns 0, or the seconds until an empty bucket has a token again. */
  take(key: string, { perMinute, burst }: Rate): number {
    const interval = 60_000 / perMinute;
    const now = this.#clock.now().getTime();
    const fullAt = Math.min(Math.max(this.#fullAt.get(key) ?? now, now), now + burst * interval);
    const wait = fullAt - now - (burst - 1) * interval;
    this.#fullAt.set(key, wait > 0 ? fullAt : fullAt + interval);
    return wait > 0 ? Math.ceil(wait / 1000) : 0;
  }
}
