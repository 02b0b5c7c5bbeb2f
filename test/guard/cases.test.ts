import { describe, expect, it } from "vitest";
import { allowOrigins } from "../../src/guard/verdict/cors.ts";
import { decide } from "../../src/guard/verdict/decide.ts";
import { casesFor, essence, expectedOf, guardFor, table } from "./support/cases.ts";
import { openFetch } from "./support/fetch-server.ts";
import { judgeAtOnce } from "./support/judge.ts";

describe("the decision", () => {
  it.each(table.cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
    const { method = "GET", url, headers = [], config = "default", expect: expected } = one;
    const verdict = judgeAtOnce(guardFor(config), {
      method,
      url,
      header: (wanted) => {
        const values = headers
          .filter(([name]) => name.toLowerCase() === wanted)
          .map(([, value]) => value.trim());
        return values.length === 0 ? undefined : values.join(wanted === "cookie" ? "; " : ", ");
      },
    });
    if (expected.kind === "refused")
      expect(verdict).toMatchObject({ kind: "refused", reason: expected.reason });
    else if (expected.kind === "pass")
      expect(verdict).toMatchObject({ kind: "pass", credential: expected.credential });
    else expect(verdict.kind).toBe(/ready|starting/.test(expected.kind) ? "readiness" : expected.kind);
  });
});

describe("behind fetch", () => {
  const cases = casesFor("fetch").filter(({ except }) => !except?.includes("fetch"));

  it.each(cases.map((one) => [one.name, one] as const))("%s", async (_name, one) => {
    await using server = await openFetch(one.config ?? "default");
    expect(essence(await server.send(one))).toEqual(expectedOf(one, false));
  });
});

it("decides without a change of its arguments", () => {
  const state = Object.freeze({
    hashes: Object.freeze([]),
    signingSecrets: Object.freeze([]),
    origins: allowOrigins([]),
    publicPaths: Object.freeze([]),
    schemes: new Set<never>(),
    signedMethods: new Set<never>(),
    standing: "alone" as const,
    computeId: null,
    isReady: () => true,
    now: 0,
  });
  const request = Object.freeze({ method: "GET", url: "/", header: () => undefined });
  expect(decide(request, state)).toEqual(decide(request, state));
});
