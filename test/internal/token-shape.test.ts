import { expect, it } from "vitest";
import { hashToken, mintToken } from "../../src/auth/token.ts";
import { isToken, isTokenHash } from "../../src/internal/token-shape.ts";
import { hostileValues } from "../auth/arbitraries.ts";

it("recognises a minted token and its hash", () => {
  const { token, hash } = mintToken();
  expect([isToken(token), isTokenHash(hash), isTokenHash(token)]).toEqual([true, true, false]);
});

it.each([
  ["in uppercase", (hash: string) => hash.toUpperCase()],
  ["cut short", (hash: string) => hash.slice(1)],
  ["with a character more", (hash: string) => `${hash}0`],
  ["with a line break", (hash: string) => `${hash}\n`],
])("takes no text for a hash that is one %s", (_, alter) => {
  expect(isTokenHash(alter(`a${hashToken("token").slice(1)}`))).toBe(false);
});

it("takes no value of another type, nor a text that no header carries, for a token or a hash", () => {
  const strange = hostileValues.filter((value) => typeof value !== "string");
  for (const value of [...strange, "", "é", "a".repeat(4097)])
    expect([isToken(value), isTokenHash(value)]).toEqual([false, false]);
});
