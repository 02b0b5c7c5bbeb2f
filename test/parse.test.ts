import fc from "fast-check";
import { expect, describe as group, it } from "vitest";
import * as z from "zod/mini";
import { isAtlasError } from "../src/errors.ts";
import { describe, field, optional, parseFields } from "../src/internal/parse.ts";

const FIELDS = {
  size: field(z.int(), "a whole number"),
  key: optional(
    field(z.string().check(z.minLength(8)), "a string of 8 characters or more", { secret: true }),
  ),
  list: optional(field(z.array(z.strictObject({ name: z.string() })), "a list of { name }")),
};

function messageOf(input: unknown): string {
  try {
    parseFields("The thing", FIELDS, input);
  } catch (error) {
    if (isAtlasError(error) && error.code === "VALIDATION") return error.message;
    throw error;
  }
  throw new Error("it was taken");
}

group("parsing options", () => {
  it("returns the given values, without those given as undefined", () => {
    expect(parseFields("The thing", FIELDS, { size: 1, key: undefined })).toStrictEqual({ size: 1 });
  });

  it("names the field, the received value and the allowed ones, down to the element", () => {
    expect(messageOf({ size: 1.5 })).toBe("The thing is not valid. size: got 1.5; allowed: a whole number");
    expect(messageOf({ size: 1, list: [{ name: "a" }, { name: 2 }] })).toContain(
      "list[1].name: got 2; allowed: a list of",
    );
  });

  it("names a field that is missing", () => {
    expect(messageOf({})).toContain("size: got nothing; allowed: a whole number");
  });

  it("names every unknown key, and the keys there are", () => {
    expect(messageOf({ size: 1, colour: 1, shape: 2 })).toBe(
      "The thing is not valid. colour: got an unknown key; allowed: size, key, list. shape: got an unknown key; allowed: size, key, list",
    );
  });

  it.each([
    ["The options of createAtlas", "are"],
    ["limits of createAtlas", "are"],
    ["The log lines", "are"],
    ["The arguments of anyOf", "are"],
    ["The request", "is"],
    ["The GPUs' health", "is"],
    ["providerOptions.fly", "is"],
  ])("agrees with its subject: %s %s not valid", (what, verb) => {
    expect(() => parseFields(what, FIELDS, {})).toThrow(`${what} ${verb} not valid. `);
  });

  it("says only the kind of an input that is not an object where a field is a secret", () => {
    expect(messageOf("s3cret")).toContain(
      "(the whole): got a string of 6 characters; allowed: an object with",
    );
  });

  it("shows an input that is not an object where no field is a secret", () => {
    expect(() => parseFields("The thing", { size: FIELDS.size }, "text")).toThrow('(the whole): got "text"');
  });

  it("names the key that a misspelt one was meant to be", () => {
    expect(messageOf({ size: 1, Sizes: 1 })).toContain(
      "Sizes: got an unknown key (did you mean size?); allowed:",
    );
    expect(messageOf({ size: 1, lsit: [] })).toContain("(did you mean list?)");
    expect(messageOf({ size: 1, ["s".repeat(100_000)]: 1 })).toContain("got an unknown key;");
  });

  it("says only the kind of a secret", () => {
    expect(messageOf({ size: 1, key: "s3cret" })).toContain("key: got a string of 6 characters; allowed: ");
    expect(messageOf({ size: 1, key: ["s3cret"] })).toContain("key: got an array of 1; allowed: ");
  });

  it.each([[null], ["text"], [12n], [[1]], [true]])("takes no %s for an object", (input) => {
    expect(messageOf(input)).toMatch(/^The thing is not valid\. .*: got .*; allowed: /);
  });

  it("never throws anything but VALIDATION", () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true }), (input) => {
        expect(messageOf({ size: "no", list: input })).toContain("size: got");
      }),
    );
  });
});

group("a value in an error message", () => {
  it("is shown whole when it is short, and cut when it is not", () => {
    expect(describe("text")).toBe('"text"');
    expect(describe("x".repeat(61))).toBe(`"${"x".repeat(60)}"… (61 characters)`);
    expect([describe(1.5), describe(true), describe(3n)]).toEqual(["1.5", "true", "3"]);
  });

  it("is named by its kind when it is no plain value", () => {
    expect([undefined, null, [1], {}, Symbol("s"), () => 1].map(describe)).toEqual([
      ...["nothing", "null", "an array of 1", "an object", "a symbol", "a function"],
    ]);
  });
});
