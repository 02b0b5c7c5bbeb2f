/**
 * Mutations of every signed text: none of them may say anything else than the text that was signed, and none may throw.
 * `npm run fuzz:links` makes a million.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  mintCookie,
  signOpeningLink,
  signPrefix,
  signUrl,
  verifyCookie,
  verifyOpeningLink,
  verifySignedPrefix,
  verifySignedUrl,
} from "../../src/auth/index.ts";
import { safePath } from "../../src/auth/links/safe-path.ts";
import { decide } from "../../src/guard/verdict/decide.ts";
import type { GuardPass } from "../../src/guard/verdict/request.ts";
import { guardState } from "../guard/support/state.ts";
import { mutated } from "./mutated.ts";

const RUNS = Number(process.env.FUZZ_RUNS ?? 10_000) / 5;
const options = { secret: "test-secret", now: 2_000_000_000 };
const AT = "https://pod-8000.proxy.runpod.net";
const LOCAL = "http://127.0.0.1:41000";

function each(originals: readonly string[], check: (text: string) => void): void {
  fc.assert(fc.property(mutated(...originals), check), { numRuns: RUNS });
}

describe(`among ${RUNS} mutations each`, { timeout: 3_600_000 }, () => {
  it("a prefix opens its own folder only", () => {
    const folder = signPrefix("/hls/42/", options);
    const credential = folder.slice(0, -"/hls/42/".length);
    each([folder, `${folder}a.ts`, `${folder}sub/b%20c@d.ts`], (path) => {
      const verified = verifySignedPrefix(path, options);
      if (!verified.ok) return;
      expect(path.startsWith(`${credential}/`)).toBe(true);
      expect(verified.prefix).toBe("/hls/42/");
      expect(verified.path).toMatch(/^\/hls\/42\/(?!.*(?:^|\/)\.\.?(?:[;/]|$))/);
      expect(verified.path).toBe(safePath(path.slice(credential.length)));
    });
  });

  it("a signed path opens no other path", () => {
    const originals = ["/me%40home.png", "/a/b.mp4?q=1&r=2", "/caf%C3%A9/a%2Fb"].map((url) =>
      signUrl(url, options),
    );
    const meanings = new Set(originals.map(meaning));
    each(originals, (url) => {
      if (verifySignedUrl(url, options).ok) expect(meanings).toContain(meaning(url));
    });
  });

  it("an opening link says one thing", () => {
    const links = [signOpeningLink(AT, { ...options, to: "/lab?x=1" }), signOpeningLink(LOCAL, options)];
    const queries = links.map((link) => link.slice(link.indexOf("?") + 1));
    const meanings = queries.map((query) => verifyOpeningLink(query, options));
    each(queries, (query) => {
      const verified = verifyOpeningLink(query, options);
      if (verified.ok) expect(meanings).toContainEqual(verified);
    });
  });

  it("a guard opens nothing else, whatever the path, the query and the cookie are", () => {
    const now = options.now;
    const state = guardState({
      signingSecrets: [options.secret],
      schemes: new Set(["signed-url", "cookie"]),
      now: now * 1000,
    });
    const folder = signPrefix("/hls/42/", options);
    const link = signOpeningLink(AT, { ...options, to: "/lab?x=1" }).slice(AT.length);
    const cookie = mintCookie({ ...options, at: AT, computeId: "c1", seconds: 60 }).split(";", 1)[0] ?? "";
    const urls = mutated(`${folder}a.ts?q=1`, link, signUrl("/a/b?q=1", options));
    const check = (url: string, header: string): void => {
      const headers: Record<string, string> = { cookie: header, "sec-fetch-site": "same-origin" };
      const verdict = decide({ method: "GET", url, header: (name) => headers[name] }, state);
      if (verdict.kind === "opened") expect(verdict.headers.location).toBe("/lab?x=1");
      else if (verdict.kind === "pass") expectGenuine(verdict, url, header.includes(cookie));
      else expect(verdict.kind).toMatch(/^(?:refused|readiness)$/);
    };
    fc.assert(fc.property(urls, mutated(cookie, `a=1; ${cookie}`), check), { numRuns: RUNS });
  });

  it("a cookie passes as the text that was written", () => {
    const pod = { ...options, computeId: "c1", seconds: 60 };
    const cookies = [AT, LOCAL].map((at) => mintCookie({ ...pod, at }).split(";", 1)[0] ?? "");
    each([...cookies, cookies.join("; "), `a=1; ${cookies[0]}; b=2`], (header) => {
      if (verifyCookie(header, pod).ok) expect(cookies.some((cookie) => header.includes(cookie))).toBe(true);
    });
  });
});

function expectGenuine({ credential, url, folder }: GuardPass, received: string, hasCookie: boolean): void {
  if (credential === "prefix")
    expect([folder?.prefix, url.startsWith("/hls/42/")]).toEqual(["/hls/42/", true]);
  else if (credential === "signed-url") expect(meaning(received)).toBe(meaning(signUrl("/a/b?q=1", options)));
  else expect([credential, hasCookie]).toEqual(["cookie", true]);
}

/** A path in canonical form, where it has one, and the parameters sorted by key. */
function meaning(url: string): string {
  const [path = "", query] = url.split("#", 1)[0]?.split("?") ?? [];
  const origin = /^https?:\/\/[^/]*/.exec(path)?.[0] ?? "";
  const parameters = (query ?? "").split("&").filter(Boolean).map(parameter);
  return JSON.stringify([safePath(path.slice(origin.length)) ?? path, parameters.toSorted(byKey)]);
}

function parameter(pair: string): [string, string] {
  const [[key = "", value = ""] = []] = [...new URLSearchParams(pair)];
  return [key, value];
}

function byKey([left]: [string, string], [right]: [string, string]): number {
  return left < right ? -1 : Number(left > right);
}
