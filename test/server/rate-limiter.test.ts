import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Rate, RateLimiter } from "../../src/server/rate-limiter.ts";
import { leapingClock } from "../fakes/clock.ts";

const rate = (leastBurst: number): fc.Arbitrary<Rate> =>
  fc.record({
    perMinute: fc.integer({ min: 1, max: 600 }),
    burst: fc.integer({ min: leastBurst, max: 50 }),
  });
const rates = rate(1);
/** Milliseconds between two calls: bursts and rests. */
const gaps = fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 30_000 })), {
  minLength: 1,
  maxLength: 300,
});

describe("a bucket", () => {
  test("never gives more than its burst and its rate allow", () => {
    fc.assert(
      fc.property(rates, gaps, (rate, waits) => {
        const clock = leapingClock();
        const limiter = new RateLimiter(clock);
        const begin = clock.now().getTime();
        let given = 0;
        for (const wait of waits) {
          clock.advance(wait);
          if (limiter.take("pod", rate) === 0) given += 1;
        }
        const minutes = (clock.now().getTime() - begin) / 60_000;
        expect(given).toBeLessThanOrEqual(rate.burst + minutes * rate.perMinute + 1e-6);
      }),
    );
  });

  test("fills at its rate, however frequent the calls", () => {
    fc.assert(
      // A bucket of one loses the fractions that come back between two calls, because it is full.
      fc.property(rate(2), fc.integer({ min: 1, max: 50 }), (rate, step) => {
        const clock = leapingClock();
        const limiter = new RateLimiter(clock);
        let given = 0;
        for (let passed = 0; passed < 60_000; passed += step) {
          if (limiter.take("pod", rate) === 0) given += 1;
          clock.advance(step);
        }
        const asked = Math.ceil(60_000 / step);
        expect(given).toBeGreaterThanOrEqual(Math.min(asked, rate.burst + rate.perMinute - 1));
      }),
      { numRuns: 60 },
    );
  });

  test("has a token again after the seconds that it returns", () => {
    fc.assert(
      fc.property(rates, gaps, (rate, waits) => {
        const clock = leapingClock();
        const limiter = new RateLimiter(clock);
        for (const wait of waits) {
          clock.advance(wait);
          const seconds = limiter.take("pod", rate);
          if (seconds === 0) continue;
          clock.advance(seconds * 1000);
          expect(limiter.take("pod", rate)).toBe(0);
        }
      }),
    );
  });

  test("recovers within its filling time when the clock goes back", () => {
    const clock = leapingClock();
    const limiter = new RateLimiter(clock);
    const rate = { perMinute: 6, burst: 3 };
    limiter.take("pod", rate);
    clock.advance(-86_400_000);
    for (let call = 0; call < 10; call += 1) limiter.take("pod", rate);
    expect(limiter.take("pod", rate)).toBeLessThanOrEqual(30);
  });
});

describe("the buckets", () => {
  test("are independent of each other", () => {
    const limiter = new RateLimiter(leapingClock());
    const rate = { perMinute: 1, burst: 1 };
    expect(["a", "b", "a", "b"].map((key) => limiter.take(key, rate) === 0)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test("are bounded in number, and those in use stay", () => {
    const limiter = new RateLimiter(leapingClock(), 100);
    const rate = { perMinute: 1, burst: 1 };
    limiter.take("hammering", rate);
    for (let index = 0; index < 1000; index += 1) {
      limiter.take(`pod ${index}`, rate);
      expect(limiter.take("hammering", rate)).toBeGreaterThan(0);
    }
    expect(limiter.size).toBe(100);
  });
});
