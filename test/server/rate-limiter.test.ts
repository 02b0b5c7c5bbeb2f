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
/** Milliseconds between one call and the next: hammering, and rests. */
const gaps = fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 30_000 })), {
  minLength: 1,
  maxLength: 300,
});

describe("a bucket", () => {
  test("never gives more than its burst and what came back in the time", () => {
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

  test("fills at its rate however often it is asked meanwhile", () => {
    fc.assert(
      // With room for one only, what comes back between two questions is lost for want of room.
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

  test("has one again after the seconds that it names", () => {
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

  test("is not locked for longer than it takes to fill when the clock goes back", () => {
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
  test("are each their own", () => {
    const limiter = new RateLimiter(leapingClock());
    const rate = { perMinute: 1, burst: 1 };
    expect(["a", "b", "a", "b"].map((key) => limiter.take(key, rate) === 0)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test("are no more than so many, and those in use are kept", () => {
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
