import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { signUrl, type VerifySignedUrlOptions, verifySignedUrl } from "../../src/auth/index.ts";
import { anyArguments, anyFullUrl, anyTarget, hostileValues } from "./arbitraries.ts";

const secret = "test-secret";
const now = 1_700_000_000;
const signing = { secret, now, expiresInSeconds: 60 };
const valid = { ok: true, expiresAt: now + 60 };
const malformed = { ok: false, reason: "malformed" };
const badSignature = { ok: false, reason: "bad_signature" };

/** What the server reads in its request line when a browser opens the URL. */
function sentByBrowser(url: string): string {
  const { pathname, search } = new URL(url.replace(/^\//, "http://pod/"));
  return pathname + search;
}

/** A URL signed by somebody who has the secret and does not keep the rules. */
function signedByHand(path: string, query: string): string {
  const sig = createHmac("sha256", secret).update(`${path}?${query}`).digest("base64url");
  return `${path}?${query}&sig=${sig}`;
}

function verify(url: unknown): unknown {
  return verifySignedUrl(url, { secret, now });
}

describe("a signed URL", () => {
  it("verifies as a whole and as what the server sees of it, whatever was signed", () => {
    fc.assert(
      fc.property(anyFullUrl, (url) => {
        const signed = signUrl(url, signing);
        expect(verify(signed)).toEqual(valid);
        expect(verify(new URL(signed).href)).toEqual(valid);
        expect(verify(sentByBrowser(signed))).toEqual(valid);
      }),
    );
  });

  it("verifies when a path with a query was signed, for any host it is put behind", () => {
    fc.assert(
      fc.property(anyTarget, (target) => {
        const signed = signUrl(target, signing);
        expect(verify(signed)).toEqual(valid);
        expect(verify(`wss://other.example${signed}`)).toEqual(valid);
        expect(verify(sentByBrowser(signed))).toEqual(valid);
      }),
    );
  });

  it("keeps every parameter that a server reads, in the order of its key", () => {
    const parameters = fc.array(
      fc.tuple(fc.constantFrom("a", "b[]", "é", "+", ""), fc.string({ unit: "binary" })),
    );
    fc.assert(
      fc.property(parameters, (pairs) => {
        const before = new URLSearchParams(pairs);
        const after = new URL(signUrl(`https://h/p?${before}`, signing)).searchParams;
        for (const key of before.keys()) expect(after.getAll(key)).toEqual(before.getAll(key));
        expect(after.size).toBe(before.size + 2);
      }),
    );
  });

  it("verifies with its parameters in another order, as long as equal keys keep theirs", () => {
    const keys = fc.uniqueArray(fc.string({ unit: "binary" }), { maxLength: 8 });
    fc.assert(
      fc.property(keys, fc.infiniteStream(fc.nat()), (distinct, weights) => {
        const query = new URLSearchParams(distinct.map((key): [string, string] => [`_${key}`, key]));
        const { searchParams } = new URL(signUrl(`https://h/p?${query}`, signing));
        const shuffled = [...searchParams]
          .map((pair) => ({ pair, weight: weights.next().value }))
          .sort((left, right) => left.weight - right.weight)
          .map(({ pair }) => pair);
        expect(verify(`/p?${new URLSearchParams(shuffled)}`)).toEqual(valid);
      }),
    );
  });

  it("is refused when any character of its path is changed", () => {
    fc.assert(
      fc.property(anyTarget, fc.nat(), fc.string({ unit: "binary", maxLength: 1 }), (target, seed, other) => {
        const signed = signUrl(target, signing);
        const index = seed % signed.indexOf("?");
        fc.pre(signed[index] !== other);
        const changed = signed.slice(0, index) + other + signed.slice(index + 1);
        expect(verify(changed)).toMatchObject({ ok: false });
      }),
    );
  });

  it("is refused when a parameter is added, removed or given another value", () => {
    const text = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { minLength: 1 }), fc.nat(), text, (pairs, seed, other) => {
        const path = `/p?${new URLSearchParams(pairs.map(([key, value]): [string, string] => [`_${key}`, value]))}`;
        const parameters = [...new URL(signUrl(`https://h${path}`, signing)).searchParams];
        const index = seed % parameters.length;
        const [key = "", value = ""] = parameters[index] ?? [];
        fc.pre(value !== other);
        for (const changed of [
          parameters.toSpliced(index, 1),
          parameters.toSpliced(index, 1, [key, other]),
          parameters.toSpliced(index, 0, [`_${other}`, other]),
        ]) {
          expect(verify(`/p?${new URLSearchParams(changed)}`)).toMatchObject({ ok: false });
        }
      }),
    );
  });

  it("is refused when equal keys change places", () => {
    const signed = signUrl("/p?a=1&b=0&a=2", signing);
    expect(signed).toContain("?a=1&a=2&b=0&exp=");
    expect(verify(signed.replace("a=1&a=2", "a=2&a=1"))).toEqual(badSignature);
    expect(verify(signed.replace("a=1&a=2&b=0", "b=0&a=1&a=2"))).toEqual(valid);
  });

  it("is refused with any other exp and any other signature", () => {
    const signed = signUrl("/p", signing);
    fc.assert(
      fc.property(fc.nat(), fc.string(), (seconds, text) => {
        fc.pre(seconds !== 60);
        const later = signed.replace(/exp=\d+/, `exp=${now + seconds}`);
        expect(verify(later)).toEqual(badSignature);
        expect(verify(signed.replace(/sig=.*/, `sig=${encodeURIComponent(text)}`))).toEqual(badSignature);
      }),
    );
  });

  it("is refused with unused bits of the signature's last character set", () => {
    const signed = signUrl("/p", signing);
    const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const twin = digits.charAt(digits.indexOf(signed.slice(-1)) + 1);
    expect(verify(signed.slice(0, -1) + twin)).toEqual(badSignature);
  });

  it("covers bytes, so that what is no UTF-8 is not all the same", () => {
    const signed = signUrl("/p?q=%FF", signing);
    expect(signed).toContain("q=%FF");
    for (const other of ["%FE", "%EF%BF%BD", "%25FF", "%C3%BF"]) {
      expect(verify(signed.replace("%FF", other))).toEqual(badSignature);
    }
    expect(verify(signed.replace("%FF", "%ff"))).toEqual(valid);
  });

  it("signs a character for its UTF-8 bytes, escaped or not", () => {
    const signed = signUrl("/p?é=Ā😀", signing);
    expect(signed).toBe(signUrl("/p?%C3%A9=%C4%80%F0%9F%98%80", signing));
    expect(verify(signed.replace("%C4%80", "Ā"))).toEqual(valid);
  });

  it("takes a percent sign that starts no escape for itself", () => {
    const signed = signUrl("/p?q=100%&r=%zz&s=%e", signing);
    expect(signed).toContain("q=100%25&r=%25zz&s=%25e");
    expect(verify(signed.replace("%25zz", "%zz"))).toEqual(valid);
  });

  it("has no use for empty pairs, and reads a key without a value as one with an empty value", () => {
    const signed = signUrl("/p?&&a&", signing);
    expect(signed).toBe(signUrl("/p?a=", signing));
    expect(verify(signed.replace("a=", "&a&"))).toEqual(valid);
  });
});

describe("signUrl", () => {
  it.each([
    ["/é", "/%C3%A9"],
    ["/a b", "/a%20b"],
    ["/a ", "/a%20"],
    ["/a/../b", "/b"],
    ["/a/%2E%2e/b/.", "/b/"],
    ["/a%2fb", "/a%2fb"],
    ["https://h/é/../a b", "https://h/a%20b"],
    ["https://h//a", "https://h//a"],
    ["https://h", "https://h"],
    ["https://h/", "https://h/"],
  ])("writes %j the way a browser sends it: %j", (url, written) => {
    const signed = signUrl(url, signing);
    expect(signed.split("?")[0]).toBe(written);
    expect(verify(sentByBrowser(signed))).toEqual(valid);
  });

  it("puts a fragment behind the query and does not sign it", () => {
    const signed = signUrl("https://h/video.mp4?a=1#t=10", signing);
    expect(signed).toMatch(/&sig=[\w-]{43}#t=10$/);
    expect(verify(signed)).toEqual(valid);
    expect(signUrl("/video.mp4#t=10", signing)).toMatch(/&sig=[\w-]{43}#t=10$/);
  });

  it("is valid for an hour from now unless told otherwise", () => {
    const before = Math.floor(Date.now() / 1000);
    const verification = verifySignedUrl(signUrl("/p", { secret }), { secret });
    const after = Math.floor(Date.now() / 1000);
    if (!verification.ok) expect.unreachable(verification.reason);
    expect(verification.expiresAt).toBeGreaterThanOrEqual(before + 3600);
    expect(verification.expiresAt).toBeLessThanOrEqual(after + 3600);
  });

  it("takes a Date and Unix seconds for the same time, and ignores parts of a second", () => {
    const expected = signUrl("/p", signing);
    expect(signUrl("/p", { ...signing, now: new Date(now * 1000 + 999) })).toBe(expected);
    expect(signUrl("/p", { ...signing, now: now + 0.9 })).toBe(expected);
  });

  it.each([
    "",
    "p",
    "p?a=1",
    "?a=1",
    " /p",
    "//evil.example/p",
    "/.//evil.example/p",
    "/a/..//evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "/a\nb",
    "\\p",
    "https:/h/p",
    "https:h",
    "https://",
    "https:///p",
    "https://h\\@evil.example/p",
    "https://a b/p",
    "https://h:99999/p",
    "ftp://h/p",
    "javascript:alert(1)",
    "data:text/html,p",
  ])("refuses %j, which is no URL to sign", (url) => {
    expect(() => signUrl(url, signing)).toThrow(expect.objectContaining({ code: "VALIDATION" }));
  });

  it.each(["/p?exp=1", "/p?sig", "/p?a=1&%65xp=1", "https://h/p?s%69g=1"])(
    "refuses %j, which has a parameter that signing adds",
    (url) => {
      expect(() => signUrl(url, signing)).toThrow(expect.objectContaining({ code: "VALIDATION" }));
    },
  );

  it("refuses to sign what it has signed", () => {
    expect(() => signUrl(signUrl("/p", signing), signing)).toThrow('adds the parameter "exp" itself');
  });

  it.each([
    ["an empty secret", { secret: "" }],
    ["no secret", { secret: undefined }],
    ["several secrets", { secret: ["one", "other"] }],
    ["a lifetime of zero", { expiresInSeconds: 0 }],
    ["a negative lifetime", { expiresInSeconds: -1 }],
    ["a lifetime with a fraction", { expiresInSeconds: 1.5 }],
    ["a lifetime without end", { expiresInSeconds: Number.POSITIVE_INFINITY }],
    ["a lifetime that is no number", { expiresInSeconds: "60" }],
    ["a lifetime past what exp can say", { expiresInSeconds: Number.MAX_SAFE_INTEGER }],
    ["a lifetime that is null", { expiresInSeconds: null }],
    ["an end before 1970", { now: -100 }],
    ["a time that is no number", { now: Number.NaN }],
    ["an invalid Date", { now: new Date("") }],
    ["a time of another type", { now: "2026-01-01" }],
    ["an option that does not exist", { expiresIn: 60 }],
  ])("refuses %s, without showing secret or query", (_, change) => {
    const options = { ...signing, ...change } as Parameters<typeof signUrl>[1];
    const attempt = () => signUrl("/p?private=value", options);
    expect(attempt).toThrow(expect.objectContaining({ code: "VALIDATION" }));
    expect(attempt).not.toThrow(/test-secret|private|other/);
  });

  it.each([undefined, null, 42, "secret"])("refuses %j in place of its options", (options) => {
    const untyped: unknown = options;
    expect(() => signUrl("/p", untyped as typeof signing)).toThrow(
      expect.objectContaining({ code: "VALIDATION" }),
    );
  });

  it("refuses what would be too long to verify", () => {
    expect(verify(signUrl(`/${"a".repeat(65_000)}`, signing))).toEqual(valid);
    expect(() => signUrl(`/${"é".repeat(20_000)}`, signing)).toThrow("at most 65536 are allowed");
  });
});

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

  it("refuses everything while no secret is set, even what is signed with an empty one", () => {
    const sig = createHmac("sha256", "").update("/p?exp=1700000060").digest("base64url");
    for (const nothing of ["", [], [""], undefined]) {
      const options = { secret: nothing, now } as VerifySignedUrlOptions;
      expect(verifySignedUrl(signed, options)).toEqual(badSignature);
      expect(verifySignedUrl(`/p?exp=1700000060&sig=${sig}`, options)).toEqual(badSignature);
    }
  });

  it("refuses everything at a time that is none", () => {
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
    ["with a fragment in what the server sees", `${signed}#&admin=1`],
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

  it("does not resolve a path, so that no router can be led elsewhere", () => {
    expect(verify(signed.replace("/p", "/admin/../p"))).toEqual(badSignature);
    expect(verify(signed.replace("/p", "/./p"))).toEqual(badSignature);
    expect(verify(signed.replace("/p", "/%70"))).toEqual(badSignature);
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

  it("never throws for what looks like a signed URL", () => {
    fc.assert(
      fc.property(anyTarget, fc.string({ unit: "binary" }), (target, noise) => {
        const separator = target.includes("?") ? "&" : "?";
        expect(verify(`${target}${separator}exp=1700000060&sig=${noise}`)).toMatchObject({ ok: false });
      }),
    );
  });
});
