import { describe, expect, it } from "vitest";
import { signUrl, verifySignedUrl } from "../../src/auth/index.ts";
import { now, secret, sentByBrowser, signing, valid, verify } from "./signing.ts";

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

  it("begins the query with exp where the URL has none", () => {
    expect(signUrl("/p", signing)).toMatch(/^\/p\?exp=\d+&sig=/);
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

  it("refuses to sign a signed URL", () => {
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
    ["a lifetime beyond the range of exp", { expiresInSeconds: Number.MAX_SAFE_INTEGER }],
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

  it("does not show a secret that came in place of the options", () => {
    const untyped: unknown = "test-secret";
    expect(() => signUrl("/p", untyped as typeof signing)).toThrow(
      "The options of signUrl are not valid. (the whole): got a string of 11 characters; allowed: an object with secret, expiresInSeconds, now",
    );
  });

  it.each([undefined, null, 42, "secret"])("refuses %j in place of its options", (options) => {
    const untyped: unknown = options;
    expect(() => signUrl("/p", untyped as typeof signing)).toThrow(
      expect.objectContaining({ code: "VALIDATION" }),
    );
  });

  it.each([undefined, null, 42, {}])("refuses %j in place of a URL", (url) => {
    const untyped: unknown = url;
    expect(() => signUrl(untyped as string, signing)).toThrow(
      expect.objectContaining({ code: "VALIDATION" }),
    );
  });

  it("signs up to 65536 characters, which is what it verifies", () => {
    const room = 65_536 - signUrl("/", signing).length;
    const longest = signUrl(`/${"a".repeat(room)}`, signing);
    expect(longest).toHaveLength(65_536);
    expect(verify(longest)).toEqual(valid);
    expect(() => signUrl(`/${"a".repeat(room + 1)}`, signing)).toThrow("at most 65536 are allowed");
  });

  it("refuses a URL that would be too long to verify", () => {
    expect(verify(signUrl(`/${"a".repeat(65_000)}`, signing))).toEqual(valid);
    expect(() => signUrl(`/${"é".repeat(20_000)}`, signing)).toThrow("at most 65536 are allowed");
  });
});
