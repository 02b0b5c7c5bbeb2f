import fc from "fast-check";
import { expect, it } from "vitest";
import { backoffSeconds } from "../../src/internal/backoff.ts";

it("doubles the pause after each failure, up to the maximum", () => {
  const pauses = [0, 1, 2, 3, 4, 5, 2000].map((failures) =>
    backoffSeconds({ firstSeconds: 1, maxSeconds: 15 }, failures),
  );
  expect(pauses).toEqual([1, 2, 4, 8, 15, 15, 15]);
});

it("cuts off at most the share that chance may have, and never more", () => {
  const failures = fc.integer({ min: 0, max: 5000 });
  fc.assert(
    fc.property(failures, fc.double({ min: 0, max: 1, noNaN: true }), (count, jitter) => {
      const whole = backoffSeconds({ firstSeconds: 0.5, maxSeconds: 60 }, count);
      const cut = backoffSeconds({ firstSeconds: 0.5, maxSeconds: 60, jitter }, count);
      expect(cut).toBeLessThanOrEqual(whole);
      expect(cut).toBeGreaterThanOrEqual(whole * (1 - jitter) - 1e-9);
    }),
  );
});

it("spreads the pauses of many callers over the whole share", () => {
  const pauses = Array.from({ length: 200 }, () =>
    backoffSeconds({ firstSeconds: 8, maxSeconds: 8, jitter: 1 }, 0),
  );
  expect([Math.min(...pauses) < 2, Math.max(...pauses) > 6]).toEqual([true, true]);
});
