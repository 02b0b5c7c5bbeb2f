import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deriveSigningSecret, mintSigningSecret } from "../../src/auth/index.ts";
import { signingKeyId } from "../../src/auth/signed-url/secret.ts";

const signingKey = "0123456789abcdef0123456789abcdef";

describe("mintSigningSecret", () => {
  it("makes 32 bytes as base64url, new ones each time", () => {
    const secrets = Array.from({ length: 100 }, mintSigningSecret);
    for (const secret of secrets) expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(new Set(secrets).size).toBe(secrets.length);
  });
});

describe("deriveSigningSecret", () => {
  it("gives each compute and each key a secret of its own, the same one every time", () => {
    const id = fc.string({ unit: fc.constantFrom(..."0123456789abcdefxyz"), minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(id, id, (one, other) => {
        const secret = deriveSigningSecret(signingKey, one);
        expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
        expect(deriveSigningSecret(signingKey, other) === secret).toBe(one === other);
        expect(deriveSigningSecret(`${signingKey}!`, one)).not.toBe(secret);
      }),
    );
  });

  it("counts the key's length in bytes, not in characters", () => {
    expect(deriveSigningSecret("é".repeat(16), "a")).toHaveLength(43);
    expect(() => deriveSigningSecret("é".repeat(15), "a")).toThrow("32 bytes or more; this one has 30");
  });

  it.each([
    ["a key of 31 bytes", signingKey.slice(1), "a"],
    ["no key", undefined, "a"],
    ["an empty id", signingKey, ""],
    ["no id", signingKey, undefined],
  ])("refuses %s without showing the key", (_, key, id) => {
    const attempt = () => deriveSigningSecret(key as string, id as string);
    expect(attempt).toThrow(expect.objectContaining({ code: "VALIDATION" }));
    expect(attempt).not.toThrow("123456789");
  });
});

describe("signingKeyId", () => {
  it("names a key by 16 hex digits, the same in every release, because records hold them", () => {
    expect(signingKeyId(signingKey)).toBe("80b248b0de54548a");
    expect(signingKeyId(`${signingKey}!`)).not.toBe(signingKeyId(signingKey));
  });

  it("names no key that is too short to sign with", () => {
    expect(() => signingKeyId(signingKey.slice(1))).toThrow("32 bytes or more; this one has 31");
  });
});
