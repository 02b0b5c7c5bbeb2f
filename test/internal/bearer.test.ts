import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mintToken } from "../../src/auth/token.ts";
import { bearerOf, bearerToken } from "../../src/internal/bearer.ts";

describe("the token of an Authorization header", () => {
  it("is read whatever the case of the scheme and the number of spaces", () => {
    const { token } = mintToken();
    for (const header of [`Bearer ${token}`, `bearer   ${token}`, `BEARER ${token}`])
      expect(bearerToken(header)).toBe(token);
  });

  it.each([
    ["no header", undefined],
    ["null", null],
    ["an empty one", ""],
    ["the scheme alone", "Bearer "],
    ["another scheme", "Basic dTpw"],
    ["no space", "Bearertoken"],
    ["a tab", "Bearer\ttoken"],
    ["two joined headers", "Bearer one, Bearer two"],
    ["a space behind it", "Bearer one "],
    ["a line break", "Bearer one\n"],
    ["a character outside ASCII", "Bearer é"],
  ])("is undefined for %s", (_, header) => {
    expect(bearerToken(header)).toBeUndefined();
  });

  it("is every text of visible ASCII, and no other text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 50 }), (text) => {
        const isVisible = [...text].every((character) => character > " " && character < "\u007f");
        if (!text.startsWith(" ")) expect(bearerToken(`Bearer ${text}`)).toBe(isVisible ? text : undefined);
      }),
    );
  });

  it("is found in a request", () => {
    const request = new Request("http://pod/", { headers: { authorization: "Bearer token" } });
    expect(bearerOf(request)).toBe("token");
    expect(bearerOf(new Request("http://pod/"))).toBeUndefined();
  });
});
