import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { signUrl, type VerifySignedUrlOptions, verifySignedUrl } from "../../src/auth/index.ts";
import { anyArguments, anyCharacter, anyTarget, hostileValues } from "./arbitraries.ts";
import { badSignature, malformed, now, secret, signedByHand, signing, valid, verify } from "./signing.ts";

describe("verifySignedUrl", () => {
  const signed = signUrl("/p", signing);

  it("accepts the last second and refuses the next, for a Date and for Unix seconds", () => {
    const expired = { ok: false, reason: "expired" };
    expect(verifySignedUrl(signed, { secret, now: now + 60.9 })).toEqual(valid);
    expect(verifySignedUrl(signed, { secret, now: new Date((now + 60) * 1000 + 999) })).toEqual(valid);
    expect(verifySignedUrl(signed, { secret, now: now + 61 })).toEqual(expired);
    expect(verifySignedUrl(signed, { secret, now: new Date((now + 61) * 1000) })).toEqual(expired);
  });

  it("judges form, then expiry, then signature", () => {
    const late = { secret: "another", now: now + 61 };
    expect(verifySignedUrl(`${signed}&sig=1`, late)).toEqual(malformed);
    expect(verifySignedUrl(signed, late)).toEqual({ ok: false, reason: "expired" });
    expect(verifySignedUrl(signed, { ...late, now })).toEqual(badSignature);
  });

  it("accepts a URL of any of several secrets", () => {
    expect(verifySignedUrl(signed, { secret: ["new", secret], now })).toEqual(valid);
    expect(verifySignedUrl(signed, { secret: [secret, "new"], now })).toEqual(valid);
    expect(verifySignedUrl(signed, { secret: ["new", "newer"], now })).toEqual(badSignature);
  });

  it("refuses everything while no secret is set, even a URL signed with an empty one", () => {
    const sig = createHmac("sha256", "").update("/p?exp=1700000060").digest("base64url");
    for (const nothing of ["", [], [""], undefined]) {
      const options = { secret: nothing, now } as VerifySignedUrlOptions;
      expect(verifySignedUrl(signed, options)).toEqual(badSignature);
      expect(verifySignedUrl(`/p?exp=1700000060&sig=${sig}`, options)).toEqual(badSignature);
    }
  });

  it("refuses everything at a `now` that is not a time", () => {
    for (const never of [Number.NaN, new Date(""), "1700000000", null]) {
      const options = { secret, now: never } as VerifySignedUrlOptions;
      expect(verifySignedUrl(signed, options)).toEqual({ ok: false, reason: "expired" });
    }
  });

  it.each([
    ["without exp", signed.replace(/exp=\d+&/, "")],
    ["without a signature", signed.replace(/&sig=.*/, "")],
    ["with two signatures", `${signed}&sig=`],
    ["with a second exp in disguise", `${signed}&%65xp=1`],
    ["without a path", signed.slice(2)],
    ["without the leading slash", signed.slice(1)],
    ["with a fragment in the path that the server sees", `${signed}#&admin=1`],
    ["with a line break in its path", signed.replace("/p", "/p\n")],
    ["with a backslash in its path", signed.replace("/p", "\\p")],
    ["of another scheme", `file://${signed}`],
    ["longer than 65,536 characters", `${signed}&a=${"a".repeat(65_536)}`],
  ])("calls a URL %s malformed", (_, url) => {
    expect(verify(url)).toEqual(malformed);
  });

  it.each([
    "0",
    "00",
    "01700000060",
    "-1700000060",
    "%2B1700000060",
    "1700000060.0",
    "17e8",
    "0x6553f13c",
    "1700000060+",
    "1700000060%0A",
    "%D9%A1700000060",
    "",
    "99999999999999999",
  ])("refuses exp=%s even under a good signature", (exp) => {
    expect(verify(signedByHand("/p", `exp=${exp}`))).toEqual(malformed);
  });

  it("accepts an exp of 16 digits", () => {
    const verification = verify(signedByHand("/p", "exp=9000000000000000"));
    expect(verification).toEqual({ ok: true, expiresAt: 9_000_000_000_000_000 });
  });

  it.each(["a=%01", "a=2&a=1", "A=1&a=1&b=1"])("has %s for a canonical form", (query) => {
    expect(verify(signedByHand("/p", `${query}&exp=${now + 60}`))).toEqual(valid);
  });

  it("calls a URL malformed where it has no options", () => {
    expect(verifySignedUrl(signed, undefined as never)).toEqual(malformed);
  });

  it("does not resolve a path, so that no router can be led elsewhere", () => {
    expect(verify(signed.replace("/p", "/admin/../p"))).toEqual(badSignature);
    expect(verify(signed.replace("/p", "/./p"))).toEqual(badSignature);
    expect(verify(signed.replace("/p", "/%2e/p"))).toEqual(badSignature);
    expect(verify(signed.replace("/p", "//p"))).toEqual(badSignature);
  });

  it("never throws, whatever the URL and the options are", () => {
    for (const value of hostileValues) {
      expect(verify(value)).toMatchObject({ ok: false });
      expect(verifySignedUrl(signed, value as VerifySignedUrlOptions)).toMatchObject({ ok: false });
      expect(verifySignedUrl(signed, { secret: value as string, now })).toMatchObject({ ok: false });
    }
    fc.assert(
      fc.property(anyArguments, ([url, options]) => {
        expect(verifySignedUrl(url, options as VerifySignedUrlOptions)).toMatchObject({ ok: false });
      }),
    );
  });

  it("never throws for a text that looks like a signed URL", () => {
    fc.assert(
      fc.property(anyTarget, fc.string({ unit: anyCharacter }), (target, noise) => {
        const separator = target.includes("?") ? "&" : "?";
        expect(verify(`${target}${separator}exp=1700000060&sig=${noise}`)).toMatchObject({ ok: false });
      }),
    );
  });
});
