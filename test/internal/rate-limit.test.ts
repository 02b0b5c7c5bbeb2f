import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { retryAfterSeconds } from "../../src/internal/rate-limit.ts";

const NOW = new Date("2026-11-20T12:00:00Z");
const wait = (headers: Record<string, string>): number | undefined =>
  retryAfterSeconds(new Headers(headers), NOW);

describe("retryAfterSeconds", () => {
  it.each([
    ["nothing", {}, undefined],
    ["whole seconds", { "retry-after": "30" }, 30],
    ["an HTTP date", { "retry-after": "Fri, 20 Nov 2026 12:00:45 GMT" }, 45],
    ["an HTTP date with a whole weekday", { "retry-after": "Friday, 20-Nov-26 12:00:45 GMT" }, 45],
    ["an HTTP date without a zone", { "retry-after": "Fri Nov 20 12:00:45 2026" }, 45],
    ["a date in the past", { "retry-after": "Fri, 20 Nov 2026 11:00:00 GMT" }, 0],
    [
      "an HTTP date by the answer's own clock, which is an hour late",
      { "retry-after": "Fri, 20 Nov 2026 11:00:45 GMT", date: "Fri, 20 Nov 2026 11:00:00 GMT" },
      45,
    ],
    [
      "an HTTP date by the answer's own clock, which is a day early",
      { "retry-after": "Sat, 21 Nov 2026 12:00:05 GMT", date: "Sat, 21 Nov 2026 12:00:00 GMT" },
      5,
    ],
    [
      "an HTTP date by our clock where the answer's is unreadable",
      { "retry-after": "Fri, 20 Nov 2026 12:00:45 GMT", date: "today" },
      45,
    ],
    ["neither", { "retry-after": "soon" }, undefined],
    ["a fraction", { "retry-after": "1.5" }, undefined],
    ["windows with something left", { ratelimit: '"minute";r=3;t=12' }, undefined],
    ["an empty window", { ratelimit: '"minute";r=0;t=12, "hour";r=2800;t=1812' }, 12],
    ["two empty windows", { ratelimit: '"minute";r=0;t=12, "hour";r=0;t=1812' }, 1812],
    ["both headers", { "retry-after": "5", ratelimit: '"minute";r=0;t=12' }, 12],
  ])("reads %s", (_, headers, expected) => {
    expect(wait(headers)).toBe(expected);
  });

  it("never throws and never answers anything but a whole number of seconds that is not negative", () => {
    const text = fc.string({ unit: "grapheme-ascii" }).filter((value) => !/[^\x20-\x7e]/.test(value));
    fc.assert(
      fc.property(text, text, (one, other) => {
        const seconds = wait({ "retry-after": one, ratelimit: other });
        expect(seconds === undefined || (Number.isInteger(seconds) && seconds >= 0)).toBe(true);
      }),
    );
  });
});
