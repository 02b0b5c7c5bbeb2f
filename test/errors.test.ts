import { inspect } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { AtlasError, type AtlasErrorCode, atlasErrorCodes, isAtlasError, withFacts } from "../src/errors.ts";

const STATUS: Readonly<Record<AtlasErrorCode, number>> = {
  ...{
    UNAUTHORIZED: 401,
    AUTH_ERROR: 502,
    BILLING: 402,
    RATE_LIMIT: 429,
    KEY_UNAVAILABLE: 503,
    FORBIDDEN: 403,
  },
  ...{ NOT_FOUND: 404, CONFLICT: 409, VALIDATION: 422, CAPACITY: 503, QUOTA: 503, LIMIT_EXCEEDED: 429 },
  ...{
    UNCERTAIN: 503,
    BOOT_FAILED: 504,
    TIMEOUT: 504,
    TRANSPORT: 502,
    PROVIDER: 502,
    STORE_UNAVAILABLE: 503,
  },
  ...{ UNAVAILABLE: 503, UNSUPPORTED: 501 },
};

describe("an AtlasError", () => {
  it("has one of the documented codes, each with the documented HTTP status", () => {
    expect(atlasErrorCodes.toSorted()).toEqual(Object.keys(STATUS).toSorted());
    for (const code of atlasErrorCodes)
      expect(new AtlasError(code, "why").toProblem().status).toBe(STATUS[code]);
  });

  it("tells apart by its code what shares a status", () => {
    const problems = (["UNAVAILABLE", "UNCERTAIN"] as const).map((code) =>
      new AtlasError(code, "why").toProblem(),
    );
    expect(problems.map(({ status }) => status)).toEqual([503, 503]);
    expect(problems.map(({ code }) => code)).toEqual(["UNAVAILABLE", "UNCERTAIN"]);
  });

  it("carries the facts that are known, and no key for the others", () => {
    const error = new AtlasError("CAPACITY", "full", {
      provider: "fly",
      computeId: undefined,
      retryAfterSeconds: 5,
    });
    expect(error).toMatchObject({
      name: "AtlasError",
      provider: "fly",
      retryAfterSeconds: 5,
      retryable: true,
    });
    expect(Object.keys(error).toSorted()).toEqual([
      "code",
      "name",
      "provider",
      "retryAfterSeconds",
      "retryable",
    ]);
  });

  it("says whether the same call may succeed later: by its code, or by what was said", () => {
    expect(new AtlasError("TIMEOUT", "late").retryable).toBe(true);
    expect(new AtlasError("PROVIDER", "odd").retryable).toBe(false);
    expect(new AtlasError("PROVIDER", "odd", { retryable: true }).retryable).toBe(true);
  });

  it("becomes an RFC 9457 problem without what only operators should see", () => {
    const facts = {
      provider: "fly",
      providerId: "m1",
      requestId: "r1",
      status: 500,
      computeId: "c1",
      details: { a: 1 },
    };
    expect(new AtlasError("PROVIDER", "odd", facts).toProblem()).toEqual({
      ...{ type: "about:blank", title: "The provider failed", status: 502, detail: "odd", code: "PROVIDER" },
      ...{ retryable: false, computeId: "c1", details: { a: 1 } },
    });
  });

  it("is recognised across two copies of the package", async () => {
    vi.resetModules();
    const other = await import("../src/errors.ts");
    const error = new other.AtlasError("QUOTA", "used up");
    expect(other.AtlasError).not.toBe(AtlasError);
    expect(error instanceof AtlasError).toBe(true);
    expect(isAtlasError(error)).toBe(true);
  });

  it.each([
    [undefined],
    [null],
    ["AtlasError"],
    [new Error("AtlasError")],
    [{ name: "AtlasError", code: "QUOTA" }],
  ])("is not %s", (value) => {
    expect(isAtlasError(value)).toBe(false);
    expect((value as unknown) instanceof AtlasError).toBe(false);
  });

  it("takes more facts without losing any it has", () => {
    const cause = new Error("below");
    const error = new AtlasError("TRANSPORT", "lost", { provider: "fly", retryable: false, cause });
    const more = withFacts(error, { provider: "runpod", computeId: "c1", retryable: true }, "lost for good");
    expect(more).toMatchObject({
      code: "TRANSPORT",
      provider: "fly",
      computeId: "c1",
      retryable: false,
      message: "lost for good",
    });
    expect(more.cause).toBe(cause);
  });

  it("prints its code and facts", () => {
    const text = inspect(new AtlasError("LIMIT_EXCEEDED", "too many", { details: { allowed: 1 } }));
    expect(text).toContain("AtlasError: too many");
    expect(text).toContain("code: 'LIMIT_EXCEEDED'");
    expect(text).toContain("allowed: 1");
  });
});
