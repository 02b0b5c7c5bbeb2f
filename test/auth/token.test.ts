import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashToken, mintToken, verifyToken } from "../../src/auth/index.ts";
import { anyValue, hostileValues } from "./arbitraries.ts";

describe("mintToken", () => {
  it("makes 43 characters of base64url, a new token each time", () => {
    const tokens = Array.from({ length: 200 }, () => mintToken().token);
    for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(new Set(tokens).size).toBe(tokens.length);
  });

  it("begins with a letter or digit, so that no program takes a token for an option", () => {
    const tokens = Array.from({ length: 3000 }, () => mintToken().token);
    expect(tokens.filter((token) => !/^[A-Za-z0-9]/.test(token))).toEqual([]);
    expect(tokens.some((token) => /[-_]/.test(token))).toBe(true);
  });

  it("says the token's hash, its header line and the pod's environment", () => {
    const { token, ...rest } = mintToken();
    expect(rest).toEqual({
      hash: hashToken(token),
      header: `Authorization: Bearer ${token}`,
      env: { ATLAS_PRESHARED_KEY: token },
    });
  });
});

describe("hashToken", () => {
  it("refuses a value that is not a string, without showing it", () => {
    const notText: unknown = 42_424_242;
    const attempt = () => hashToken(notText as string);
    expect(attempt).toThrow(expect.objectContaining({ code: "VALIDATION" }));
    expect(attempt).not.toThrow("42424242");
  });
});

describe("verifyToken", () => {
  it("accepts any ASCII token against its own hash and no other", () => {
    const token = fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(token, token, (candidate, other) => {
        expect(verifyToken(candidate, hashToken(candidate))).toBe(true);
        expect(verifyToken(candidate, hashToken(other))).toBe(candidate === other);
      }),
    );
  });

  it.each([
    ["an empty one", ""],
    ["one outside ASCII", "é"],
    ["half a surrogate pair", "\ud800"],
    ["one of 1 MB", "a".repeat(1_048_576)],
    ["one of 4097 characters", "a".repeat(4097)],
  ])("refuses a candidate even against its own hash: %s", (_, candidate) => {
    expect(verifyToken(candidate, hashToken(candidate))).toBe(false);
  });

  it.each([
    ["in uppercase", (hash: string) => hash.toUpperCase()],
    ["with white space around it", (hash: string) => `${hash}\n`],
    ["cut short", (hash: string) => hash.slice(0, 63)],
    ["empty", () => ""],
    ["as bytes", (hash: string) => Buffer.from(hash, "hex")],
  ])("refuses the right token against a hash %s", (_, alter) => {
    const { token, hash } = mintToken();
    expect(verifyToken(token, alter(hash.replace(/^./, "a")))).toBe(false);
    expect(verifyToken(token, alter(hash))).toBe(false);
  });

  it("is false and never throws for a candidate or a hash of any type", () => {
    const { token, hash } = mintToken();
    for (const value of hostileValues) {
      expect(verifyToken(value, hash)).toBe(false);
      expect(verifyToken(token, value)).toBe(false);
    }
    fc.assert(fc.property(anyValue, anyValue, (candidate, stored) => !verifyToken(candidate, stored)));
  });
});
