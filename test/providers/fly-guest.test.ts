import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { guestCostPerHour, toGuest } from "../../src/providers/fly/guest.ts";

describe("the size of a machine", () => {
  test.each([
    [{}, { cpuKind: "shared", cpus: 1, memoryMb: 1024 }],
    [{ cpus: 8 }, { cpuKind: "shared", cpus: 8, memoryMb: 2048 }],
    [{ memoryGb: 0.25 }, { cpuKind: "shared", cpus: 1, memoryMb: 256 }],
    [{ memoryGb: 3 }, { cpuKind: "shared", cpus: 2, memoryMb: 3072 }],
    [{ cpus: 16 }, { cpuKind: "performance", cpus: 16, memoryMb: 32_768 }],
    [{ memoryGb: 64 }, { cpuKind: "performance", cpus: 8, memoryMb: 65_536 }],
    [{ cpuKind: "performance" }, { cpuKind: "performance", cpus: 1, memoryMb: 2048 }],
  ] as const)("%o is the smallest that has what is asked for", (request, guest) => {
    expect(toGuest(request)).toEqual(guest);
  });

  test.each([
    { cpus: 3 },
    { cpus: 1, memoryGb: 16 },
    { cpus: 8, memoryGb: 1 },
    { memoryGb: 0.3 },
    { memoryGb: 256 },
    { cpuKind: "shared", cpus: 16 },
    { cpuKind: "performance", memoryGb: 3 },
  ] as const)("%o exists nowhere, and the refusal says what does", (request) => {
    expect(() => toGuest(request)).toThrow(
      expect.objectContaining({ code: "VALIDATION", message: expect.stringMatching(/allowed: .*CPUs 1, 2/) }),
    );
  });

  test("a size is what was asked for, whatever that is, or refused", () => {
    const asked = fc.record({
      cpus: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
      memoryGb: fc.option(
        fc.integer({ min: 1, max: 600 }).map((steps) => steps / 4),
        { nil: undefined },
      ),
      cpuKind: fc.constantFrom(undefined, "shared" as const, "performance" as const),
    });
    fc.assert(
      fc.property(asked, (request) => {
        const guest = orUndefined(() => toGuest(request));
        if (guest === undefined) return;
        expect(guest.cpus).toBe(request.cpus ?? guest.cpus);
        expect(guest.cpuKind).toBe(request.cpuKind ?? guest.cpuKind);
        expect(guest.memoryMb).toBe(
          request.memoryGb === undefined ? guest.memoryMb : request.memoryGb * 1024,
        );
        expect(guest.memoryMb % 256).toBe(0);
      }),
    );
  });
});

describe("the price of a machine", () => {
  const monthly = (dollarsPerHour = Number.NaN): number => Number((dollarsPerHour * 720).toFixed(2));

  // Fly's examples: fly.io/docs/about/pricing, in November 2026.
  test.each([
    ["shared", 1, 256, "iad", 2.19],
    ["shared", 1, 512, "iad", 3.69],
    ["shared", 1, 1024, "iad", 6.7],
    ["shared", 1, 1024, "fra", 7.73],
    ["shared", 1, 1024, "sin", 8.5],
    ["shared", 2, 2048, "ewr", 13.39],
    ["performance", 1, 2048, "iad", 33],
    ["performance", 2, 4096, "iad", 66],
  ] as const)(
    "%s %i with %i MB in %s is what Fly says for 30 days",
    (cpuKind, cpus, memoryMb, region, dollars) => {
      expect(monthly(guestCostPerHour({ cpuKind, cpus, memoryMb }, region))).toBe(dollars);
    },
  );

  test("without a region it is the dearest one's, and in an unknown region it is not known", () => {
    const guest = { cpuKind: "shared", cpus: 1, memoryMb: 1024 } as const;
    expect(guestCostPerHour(guest, undefined)).toBe(guestCostPerHour(guest, "gru"));
    expect(guestCostPerHour(guest, "xyz")).toBeUndefined();
  });
});

function orUndefined<Result>(run: () => Result): Result | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
