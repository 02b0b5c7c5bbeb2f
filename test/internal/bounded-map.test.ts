import fc from "fast-check";
import { expect, it } from "vitest";
import { BoundedMap } from "../../src/internal/bounded-map.ts";

it("makes room by the entry that was used least recently", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  expect(map.get("a")).toBe(1);
  map.set("c", 3);
  expect([map.get("a"), map.get("b"), map.get("c"), map.size]).toEqual([1, undefined, 3, 2]);
});

it("behaves like a list in order of use that is cut at its limit", () => {
  const key = fc.integer({ min: 0, max: 6 });
  const step = fc.record({ kind: fc.constantFrom("get", "set", "delete"), key });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5 }), fc.array(step, { maxLength: 60 }), (limit, steps) => {
      const map = new BoundedMap<number, number>(limit);
      let model: (readonly [number, number])[] = [];
      for (const [value, { kind, key }] of steps.entries()) {
        const known = model.find(([one]) => one === key);
        const others = model.filter(([one]) => one !== key);
        if (kind === "delete") map.delete(key);
        if (kind === "set") map.set(key, value);
        if (kind === "get") expect(map.get(key)).toBe(known?.[1]);
        if (kind === "delete") model = others;
        if (kind === "set") model = [...others, [key, value] as const].slice(-limit || model.length + 1);
        if (kind === "get" && known !== undefined) model = [...others, known];
        if (limit === 0) model = [];
        expect(map.size).toBe(model.length);
      }
    }),
  );
});
