import { describe, expect, it } from "vitest";
import {
  type EditedHeader,
  editAnswer,
  type GuardCredential,
  type GuardPass,
} from "../../src/guard/index.ts";

function edited(
  credential: GuardCredential,
  given: Partial<Record<EditedHeader, readonly string[]>>,
  more: Partial<GuardPass> = {},
): unknown {
  const pass: GuardPass = {
    kind: "pass",
    credential,
    url: "/",
    requestHeaders: {},
    headers: {},
    cookieNames: ["__Host-atlas", "atlas-c1"],
    ...more,
  };
  return editAnswer(pass, (name) => given[name] ?? []);
}

const folder = { credential: "/.atlas/1.2.sig", prefix: "/hls/42/", host: "pod.example" };

describe("an answer of the server behind", () => {
  it.each(["none", "bearer", "subprotocol"] as const)("to the credential %s stays as it is", (credential) => {
    const given = { "cache-control": ["public"], location: ["/hls/42/a"], "set-cookie": ["a=1"] };
    expect(edited(credential, given)).toEqual({});
  });

  it.each(["none", "bearer", "cookie", "prefix"] as const)(
    "to the credential %s sets no cookie of the pod",
    (credential) => {
      const cookies = [
        "a=1",
        "__Host-atlas=evil; Path=/",
        " atlas-c1 = evil",
        "=atlas-c1=evil",
        " =atlas-c1=evil",
        "atlas-c1",
        "b=atlas-c1",
      ];
      expect(edited(credential, { "set-cookie": cookies })).toMatchObject({
        "set-cookie": ["a=1", "b=atlas-c1"],
      });
      expect(edited(credential, { "set-cookie": ["__Host-atlas=x"] })).toMatchObject({ "set-cookie": [] });
    },
  );

  it.each([
    [[], "private"],
    [[""], "private"],
    [["public, max-age=60"], "max-age=60, private"],
    [["no-store, , max-age=0"], "no-store, max-age=0, private"],
    [["PUBLIC", "s-maxage=60,max-age=1"], "max-age=1, private"],
    [['private="set-cookie, x", no-store'], "no-store, private"],
    [['no-cache="public", must-revalidate'], 'no-cache="public", must-revalidate, private'],
  ])("with Cache-Control %j is for no shared cache: %s", (given, wanted) => {
    for (const credential of ["cookie", "prefix", "signed-url"] as const)
      expect(edited(credential, { "cache-control": given })).toMatchObject({ "cache-control": [wanted] });
  });

  it("to a link tells no other site where it came from", () => {
    expect(edited("signed-url", {})).toEqual({
      "cache-control": ["private"],
      "referrer-policy": ["same-origin"],
    });
    expect(edited("prefix", { "referrer-policy": ["unsafe-url"] })).toMatchObject({
      "referrer-policy": ["same-origin"],
    });
  });

  it("to a cookie is framed by its own pod only, beside its own policies", () => {
    expect(edited("cookie", { "content-security-policy": ["default-src 'self'"] })).toEqual({
      "cache-control": ["private"],
      "content-security-policy": ["default-src 'self'", "frame-ancestors 'self'"],
    });
  });

  it.each([
    ["/hls/42/b.ts?x=1#t", "/.atlas/1.2.sig/hls/42/b.ts?x=1#t"],
    ["/hls/42/", "/.atlas/1.2.sig/hls/42/"],
    ["http://POD.example/hls/42/b.ts", "http://POD.example/.atlas/1.2.sig/hls/42/b.ts"],
    ["/hls/%34%32/b.ts", "/.atlas/1.2.sig/hls/%34%32/b.ts"],
  ])("leads from %s back into its folder", (location, wanted) => {
    expect(edited("prefix", { location: [location] }, { folder })).toMatchObject({ location: [wanted] });
  });

  it.each([
    "/hls/43/a",
    "/hls/42/../43/a",
    "/hls/42",
    "//pod.example/hls/42/a",
    "https://other.example/hls/42/a",
    "https://pod.example:444/hls/42/a",
    "b.ts",
    "x/hls/42/a",
    "/hls/42/a%2fb",
    "",
  ])("leads to %j without the credential", (location) => {
    expect(edited("prefix", { location: [location] }, { folder })).not.toHaveProperty("location");
  });

  it("leads to a whole address without the credential where the request named no host", () => {
    const location = ["https://pod.example/hls/42/a"];
    const nameless = { ...folder, host: undefined };
    expect(edited("prefix", { location }, { folder: nameless })).not.toHaveProperty("location");
  });

  it("keeps an address outside the folder beside one inside", () => {
    expect(edited("prefix", { location: ["/hls/42/a", "/b"] }, { folder })).toMatchObject({
      location: ["/.atlas/1.2.sig/hls/42/a", "/b"],
    });
  });
});
