import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, it } from "vitest";
import { hashToken } from "../../src/auth/index.ts";
import vectors from "../vectors/auth.json" with { type: "json" };
import { anyCharacter } from "./arbitraries.ts";

/** Nothing but the standard library, as a service in another language would do it. */
const HASH_LINES = `
import hashlib, json, sys
print(json.dumps([hashlib.sha256(token.encode("utf-8")).hexdigest() for token in json.load(sys.stdin)]))
`;

function hashedByPython(tokens: readonly string[]): string[] {
  const input = JSON.stringify(tokens);
  return JSON.parse(execFileSync("python3", ["-c", HASH_LINES], { input, encoding: "utf8" }));
}

it("the pinned hashes are what Python's hashlib makes of the tokens", () => {
  const pinned = vectors.hashes.map(({ hash }) => hash);
  expect(pinned.length).toBeGreaterThan(1);
  expect(hashedByPython(vectors.hashes.map(({ token }) => token))).toEqual(pinned);
});

it("Python and TypeScript make the same hash of any text", () => {
  const tokens = fc.sample(
    fc.string({ unit: anyCharacter }).map((text) => text.toWellFormed()),
    500,
  );
  expect(hashedByPython(tokens)).toEqual(tokens.map(hashToken));
});
