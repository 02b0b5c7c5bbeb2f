import { describe, expect, it } from "vitest";
import {
  cookieMayAct,
  generationSecret,
  mintCookie,
  signOpeningLink,
  signPrefix,
  verifyCookie,
  verifyOpeningLink,
  verifySignedPrefix,
} from "../../src/auth/index.ts";
import { nameOf, withoutCookies } from "../../src/auth/links/cookie.ts";
import { linkSignature } from "../../src/auth/links/keys.ts";
import { isReserved, safePath } from "../../src/auth/links/safe-path.ts";

const now = 2_000_000_000;
const secret = "test-secret";
const signing = { secret, now };
const AT = "https://pod.example";

function queryOf(link: string): string {
  return new URL(link).search.slice(1);
}

describe("safePath", () => {
  it.each([
    ["/", "/"],
    ["/a/b/", "/a/b/"],
    ["/me%40home.png", "/me@home.png"],
    ["/%7ex", "/~x"],
    ["/caf%c3%a9", "/caf%C3%A9"],
    ["/a%20%22b", "/a%20%22b"],
    ["/%F0%9F%98%80", "/%F0%9F%98%80"],
    ["/%C2%80", "/%C2%80"],
    ["/a;v=1/..a/b..", "/a;v=1/..a/b.."],
  ])("makes %s into %s", (path, canonical) => {
    expect(safePath(path)).toBe(canonical);
    expect(safePath(canonical)).toBe(canonical);
  });

  it.each([
    "",
    "a",
    "//",
    "//a",
    "/a//b",
    "/.",
    "/..",
    "/a/../b",
    "/..;x/a",
    "/.;/a",
    "/%2e",
    "/a%2Fb",
    "/a%5Cb",
    "/a%25",
    "/%00",
    "/%1f",
    "/%7F",
    "/%",
    "/%4",
    "/%zz",
    "/%C3",
    "/%C0%AE",
    "/%ED%A0%80",
    "/é",
    "/a b",
    "/a?b",
    "/a#b",
    "/a\\b",
    `/${"a".repeat(4096)}`,
  ])("refuses %j", (path) => {
    expect(safePath(path)).toBeUndefined();
  });

  it("takes 4096 characters and no more", () => {
    const longest = `/${"a".repeat(4095)}`;
    expect(safePath(longest)).toBe(longest);
    expect(safePath(`${longest}a`)).toBeUndefined();
  });

  it("sees the guard's own paths in any escaping", () => {
    const reserved = [
      "/.atlas",
      "/.atlas/",
      "/.atlas//x",
      "/.%61tlas/x",
      "/.well-known/atlas",
      "/.well%2Dknown/atlas/x",
    ];
    expect(reserved.filter((path) => !isReserved(path))).toEqual([]);
    expect(["/", "/.atlasx", "/a/.atlas", "/.well-known/acme"].filter(isReserved)).toEqual([]);
  });
});

describe("signPrefix", () => {
  it("opens every path below its folder, and lets a relative link keep the credential", () => {
    const folder = signPrefix("https://pod.example/hls/42/", signing);
    const { pathname } = new URL("sub/part%201.ts?x=1", folder);
    expect(verifySignedPrefix(pathname, signing)).toEqual({
      ok: true,
      expiresAt: now + 3600,
      prefix: "/hls/42/",
      path: "/hls/42/sub/part%201.ts",
    });
  });

  it("signs the canonical form of a folder", () => {
    const folder = signPrefix("/me%40home/", signing);
    expect(folder).toMatch(/\/me@home\/$/);
    expect(verifySignedPrefix(folder.replace("@", "%40"), signing)).toMatchObject({
      ok: true,
      prefix: "/me@home/",
    });
  });

  it.each([
    "/",
    "/a",
    "/a/b",
    "a/",
    "/a/?x",
    "/a/#x",
    "/a//",
    "/a/../b/",
    "/.atlas/",
    "/.well-known/atlas/",
    "/a%2fb/",
    `/${"a/".repeat(17)}`,
    "ftp://h/a/",
    7,
  ])("refuses %j", (url) => {
    expect(() => signPrefix(url as string, signing)).toThrow(expect.objectContaining({ code: "VALIDATION" }));
  });

  it("signs folders of up to 16 segments, and opens the folder itself, but not without its slash", () => {
    const deepest = signPrefix(`/${"a/".repeat(16)}`, signing);
    expect(verifySignedPrefix(deepest, signing)).toMatchObject({ ok: true, path: `/${"a/".repeat(16)}` });
    expect(verifySignedPrefix(deepest.slice(0, -1), signing)).toEqual({ ok: false, reason: "malformed" });
  });

  it("opens no path of the guard, even with a genuine signature", () => {
    const exp = String(now + 60);
    const sig = linkSignature("prefix", ["/.atlas/", exp], secret);
    const path = `/.atlas/${exp}.1.${sig}/.atlas/status`;
    expect(verifySignedPrefix(path, signing)).toEqual({ ok: false, reason: "malformed" });
  });

  it.each([Number.MAX_SAFE_INTEGER, -3600, -3601])("does not sign from the time %j on", (time) => {
    expect(() => signPrefix("/a/", { secret, now: time })).toThrow(
      expect.objectContaining({
        code: "VALIDATION",
        message: expect.stringContaining("signPrefix cannot sign until Unix second"),
      }),
    );
    expect(signPrefix("/a/", { secret, now: -3599 })).toMatch(/^\/\.atlas\/1\.1\./);
  });

  it("has a key of its own for each generation and each kind of link", () => {
    const folder = signPrefix("/a/", { ...signing, secret: generationSecret(secret, 1) });
    expect(verifySignedPrefix(folder, signing).ok).toBe(false);
    expect(verifySignedPrefix(folder, { now, secret: [secret, generationSecret(secret, 1)] }).ok).toBe(true);
  });

  it("refuses without a secret, and for a time that is none", () => {
    const folder = signPrefix("/a/", signing);
    expect(verifySignedPrefix(folder, { now, secret: "" }).ok).toBe(false);
    expect(verifySignedPrefix(folder, { now: Number.NaN, secret })).toEqual({ ok: false, reason: "expired" });
    expect(verifySignedPrefix(folder, undefined as never)).toEqual({ ok: false, reason: "malformed" });
  });
});

describe("signOpeningLink", () => {
  it.each([AT, "http://localhost:8000", "http://10.0.0.7", "http://[::1]:8000"])("works at %s", (at) => {
    const link = new URL(signOpeningLink(at, { ...signing, to: "/lab?a=b%20c&d=+", cookieSeconds: 60 }));
    expect(link.origin + link.pathname).toBe(`${at}/.well-known/atlas/open`);
    expect(verifyOpeningLink(link.search.slice(1), signing)).toEqual({
      ok: true,
      at,
      to: "/lab?a=b%20c&d=+",
      seconds: 60,
    });
  });

  it.each([
    "http://pod.example",
    "https://pod.example/",
    "https://POD.example",
    "https://u@pod.example",
    "https://pod.example:443",
    "https://%",
    "ws://127.0.0.1",
    "pod.example",
    "",
    7,
  ])("refuses the origin %j", (at) => {
    expect(() => signOpeningLink(at as string, signing)).toThrow("the pod's public origin");
  });

  it("shows the root, and keeps its cookie for 28800 seconds, unless it is told otherwise", () => {
    expect(verifyOpeningLink(queryOf(signOpeningLink(AT, signing)), signing)).toEqual({
      ok: true,
      at: AT,
      to: "/",
      seconds: 28_800,
    });
  });

  it("takes the longest lifetime of a cookie, and a link from a clock that is five minutes ahead", () => {
    const query = queryOf(signOpeningLink(AT, { ...signing, expiresInSeconds: 300, cookieSeconds: 86_400 }));
    expect(verifyOpeningLink(query, { secret, now: now - 300 })).toMatchObject({ ok: true, seconds: 86_400 });
    expect(verifyOpeningLink(query, { secret, now: now - 301 })).toEqual({ ok: false, reason: "malformed" });
  });

  it.each([
    ["a signature with more at its end", "sig", (sig: string) => `${sig}x`],
    ["a signature with more at its start", "sig", (sig: string) => `x${sig}`],
    ["a path at the end of the origin", "at", (at: string) => `${at}/`],
    ["a time that begins with a zero", "exp", (exp: string) => `0${exp}`],
    ["a cookie that ends too soon", "for", () => "59"],
    ["a cookie that ends too late", "for", () => "86401"],
    ["a path that goes up", "to", () => "/../a"],
    ["no path", "to", () => ""],
  ])("is malformed with %s", (_, name, change) => {
    const parameters = new URLSearchParams(queryOf(signOpeningLink(AT, signing)));
    parameters.set(name, change(parameters.get(name) ?? ""));
    expect(verifyOpeningLink(parameters.toString(), signing)).toEqual({ ok: false, reason: "malformed" });
  });

  it("is malformed where it has no options", () => {
    expect(verifyOpeningLink(queryOf(signOpeningLink(AT, signing)), undefined as never)).toEqual({
      ok: false,
      reason: "malformed",
    });
  });

  it("is malformed with a raw plus, which has two readings", () => {
    const query = queryOf(signOpeningLink(AT, { ...signing, to: "/?a=1+2" }));
    expect(verifyOpeningLink(query, signing).ok).toBe(true);
    expect(verifyOpeningLink(query.replace("%2B", "+"), signing)).toEqual({ ok: false, reason: "malformed" });
  });

  it("takes a query of 16384 characters and no longer one", () => {
    const room = 16_384 - queryOf(signOpeningLink("https://a.example", signing)).length;
    const longest = queryOf(signOpeningLink(`https://a${"a".repeat(room)}.example`, signing));
    expect(verifyOpeningLink(longest, signing).ok).toBe(true);
    const longer = queryOf(signOpeningLink(`https://aa${"a".repeat(room)}.example`, signing));
    expect(verifyOpeningLink(longer, signing)).toEqual({ ok: false, reason: "malformed" });
  });

  it.each([
    "",
    "lab",
    "//evil.example",
    "/a#b",
    "/a\\b",
    "/é",
    "/a b",
    "/../a",
    "/%61",
    "/.atlas/x",
    "/.well-known/atlas/open",
    `/${"a".repeat(2048)}`,
  ])("refuses to show %j", (to) => {
    expect(() => signOpeningLink(AT, { ...signing, to })).toThrow("got");
  });

  it.each([
    { expiresInSeconds: 301 },
    { expiresInSeconds: 0 },
    { cookieSeconds: 59 },
    { cookieSeconds: 86_401 },
  ])("refuses %j", (change) => {
    expect(() => signOpeningLink(AT, { ...signing, ...change })).toThrow("whole seconds");
  });
});

describe("mintCookie", () => {
  const pod = { secret, now, computeId: "c1" };

  it("is bound to the host on https, and named after the compute on http", () => {
    expect(mintCookie({ ...pod, at: AT, seconds: 60 })).toMatch(
      /^__Host-atlas=2000000060\.[\w-]+\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=60; Secure$/,
    );
    expect(mintCookie({ ...pod, at: "http://localhost:8000", seconds: 60 })).toMatch(
      /^atlas-c1=2000000060\.[\w-]+\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=60$/,
    );
  });

  it("ends with its time, its secret and its compute", () => {
    const cookie = mintCookie({ ...pod, at: "http://localhost:8000", seconds: 60 }).split(";", 1)[0];
    expect(verifyCookie(cookie, pod)).toMatchObject({ ok: true, expiresAt: now + 60 });
    expect(verifyCookie(cookie, { ...pod, now: now + 61 })).toEqual({ ok: false });
    expect(verifyCookie(cookie, { ...pod, secret: generationSecret(secret, 1) })).toEqual({ ok: false });
    expect(verifyCookie(cookie, { ...pod, computeId: "c2" })).toEqual({ ok: false });
    expect(verifyCookie(undefined, pod)).toEqual({ ok: false });
  });

  it("has an empty id in its name where the compute has none", () => {
    const plain = { secret, now, computeId: null, at: "http://localhost:8000", seconds: 60 };
    expect(mintCookie(plain)).toMatch(/^atlas-=/);
  });

  it("is refused with another text of the same origin, and with a part too many", () => {
    const cookie = mintCookie({ ...pod, at: AT, seconds: 60 }).split(";", 1)[0] ?? "";
    const [start, origin, signature] = cookie.split(".");
    expect(verifyCookie(`${start}.${origin}.${signature}`, pod).ok).toBe(true);
    expect(verifyCookie(`${start}.${origin}=.${signature}`, pod)).toEqual({ ok: false });
    expect(verifyCookie(`${cookie}.`, pod)).toEqual({ ok: false });
  });

  it("is found in a header of 65536 characters and in no longer one", () => {
    const cookie = mintCookie({ ...pod, at: AT, seconds: 60 }).split(";", 1)[0] ?? "";
    const longest = `${cookie}; b=`.padEnd(65_536, "b");
    expect(verifyCookie(longest, pod).ok).toBe(true);
    expect(verifyCookie(`${longest}b`, pod)).toEqual({ ok: false });
  });

  it.each([
    ["a frame", { mode: "navigate", dest: "iframe" }],
    ["a script", { mode: "no-cors", dest: "document" }],
    ["a form", { method: "POST" }],
    ["a WebSocket", { isUpgrade: true }],
  ])("does not act for %s of another site", (_, change) => {
    const origin = undefined;
    const use = { method: "GET", isUpgrade: false, mode: "navigate", dest: "document", origin };
    for (const site of ["same-site", "cross-site"]) {
      expect(cookieMayAct({ ...use, site }, AT)).toBe(true);
      expect(cookieMayAct({ ...use, ...change, site }, AT)).toBe(false);
    }
  });

  it("reads a header full of spaces in linear time", () => {
    expect(verifyCookie(`a${" ".repeat(60_000)}b`, pod)).toEqual({ ok: false });
  });

  it("is taken out of a header, and out of nothing else", () => {
    const names = ["__Host-atlas", "atlas-c1"];
    expect(withoutCookies("a=1; __Host-atlas=x; atlas-c1=y; b=2", names)).toBe("a=1; b=2");
    expect(withoutCookies("__Host-atlas=x", names)).toBe("");
    expect(withoutCookies(" a=1;  b=2;; ", names)).toBe(" a=1;  b=2;; ");
    expect(withoutCookies(" atlas-c1 =x; __Host-atlas; c=3", names)).toBe("c=3");
    expect(nameOf("__Host-atlas=x; Path=/")).toBe("__Host-atlas");
  });
});
