import fc from "fast-check";
import { expect, it } from "vitest";
import { hashToken, signUrl } from "../../src/auth/index.ts";
import { createGuard, type GuardRequest } from "../../src/guard/index.ts";
import { allowOrigins } from "../../src/guard/verdict/cors.ts";
import { decide } from "../../src/guard/verdict/decide.ts";
import { toLiveHash } from "../../src/guard/verdict/state.ts";
import { anyCharacter } from "../auth/arbitraries.ts";
import { fixedClock } from "../fakes/clock.ts";
import { FUZZ_SECRET, FUZZ_TOKEN, malformedRequest } from "./support/fuzz.ts";
import { judgeAtOnce } from "./support/judge.ts";
import { guardState } from "./support/state.ts";

const RUNS = Number(process.env.FUZZ_RUNS ?? 20_000);
const NOW = 1_700_000_000;

it(`accepts none of ${RUNS} malformed requests, and never throws`, { timeout: 3_600_000 }, () => {
  const state = guardState({
    hashes: [toLiveHash({ hash: hashToken(FUZZ_TOKEN), expiresAt: null })],
    signingSecrets: [FUZZ_SECRET],
    origins: allowOrigins(["https://app.example"]),
    publicPaths: ["/public/*"],
    computeId: null,
    now: NOW * 1000,
  });
  let before = 0;
  let count = 0;
  fc.assert(
    fc.property(malformedRequest, (request) => {
      count += 1;
      if (count === Math.floor(RUNS / 2)) before = process.memoryUsage().heapUsed;
      expect(["refused", "preflight"]).toContain(decide(request, state).kind);
    }),
    { numRuns: RUNS },
  );
  const grownMegabytes = (process.memoryUsage().heapUsed - before) / 2 ** 20;
  expect(grownMegabytes).toBeLessThan(200);
});

it("accepts every URL of signUrl, with any parameters, and passes only those on", () => {
  const guard = createGuard({ signingSecret: FUZZ_SECRET, clock: fixedClock(NOW), env: {} });
  const webPath = fc
    .array(fc.string({ unit: anyCharacter }).map(encodeURIComponent))
    .map((segments) => segments.map((segment) => `/${segment}`).join(""));
  const parameters = fc.array(
    fc.tuple(
      fc.string({ unit: anyCharacter }).filter((key) => key !== "exp" && key !== "sig"),
      fc.string({ unit: anyCharacter }),
    ),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(webPath, parameters, (path, pairs) => {
      const query = new URLSearchParams(pairs).toString();
      const unsigned = `/pod${path}${query && `?${query}`}`;
      const url = signUrl(unsigned, { secret: FUZZ_SECRET, now: NOW });
      const verdict = judgeAtOnce(guard, get(url));
      expect(verdict).toMatchObject({ kind: "pass", credential: "signed-url" });
      const passed = new URL(verdict.kind === "pass" ? verdict.url : "", "http://pod").searchParams;
      expect(sortedPairs(passed)).toEqual(sortedPairs(new URLSearchParams(query)));
    }),
  );
});

function sortedPairs(parameters: URLSearchParams): string[] {
  const pairs = [...parameters].map((pair) => JSON.stringify(pair));
  return pairs.toSorted((one, other) => Number(one > other) - Number(one < other));
}

function get(url: string): GuardRequest {
  return { method: "GET", url, header: () => undefined };
}
