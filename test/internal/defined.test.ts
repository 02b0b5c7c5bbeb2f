import fc from "fast-check";
import { expect, expectTypeOf, it } from "vitest";
import { defined } from "../../src/internal/defined.ts";

it("leaves out undefined values, and only those", () => {
  const values = { zero: 0, empty: "", no: false, nothing: null, nan: Number.NaN, absent: undefined };
  expect(defined(values)).toStrictEqual({ zero: 0, empty: "", no: false, nothing: null, nan: Number.NaN });
});

it("keeps every other entry of any object, and changes nothing of the given one", () => {
  const anyObject = fc.dictionary(fc.string(), fc.option(fc.anything(), { nil: undefined }));
  fc.assert(
    fc.property(anyObject, (object) => {
      const before = Object.entries(object);
      const copy = defined(object);
      expect(Object.entries(copy)).toEqual(before.filter(([, value]) => value !== undefined));
      expect(Object.entries(object)).toEqual(before);
    }),
  );
});

it("makes a property optional by type where its value may be undefined", () => {
  const after: Date | undefined = undefined;
  const result = defined<{ limit: number; after: Date | undefined }>({ limit: 1, after });
  expectTypeOf(result.limit).toEqualTypeOf<number>();
  const exact: { limit: number; after?: Date } = result;
  expect(exact).toStrictEqual({ limit: 1 });
});
