import { expect, test } from "vitest";
import { isEqualInConstantTime, sha256 } from "../../src/auth/constant-time.ts";

test("sha256 gives the 32 bytes of the digest that FIPS 180-4 publishes for abc", () => {
  const published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  expect([...sha256("abc")]).toEqual([...Buffer.from(published, "hex")]);
});

test("texts are equal only when each character is", () => {
  expect(isEqualInConstantTime("secret", "secret")).toBe(true);
  expect(isEqualInConstantTime("secret", "secreT")).toBe(false);
  expect(isEqualInConstantTime("secret", "secret ")).toBe(false);
});
