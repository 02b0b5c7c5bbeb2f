import fc from "fast-check";
import { expect, test } from "vitest";
import { newRecord } from "../../src/laws/store/harness.ts";
import { Groups } from "../../src/stores/memory/groups.ts";

const records = Array.from({ length: 4 }, (_, index) => newRecord({ id: `record${index}` }));
const step = fc.record({
  key: fc.nat({ max: 3 }),
  record: fc.constantFrom(...records),
  isAdded: fc.boolean(),
});

test("a group holds exactly the records that were added and not removed, and an empty group leaves no key", () => {
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const groups = new Groups<number>();
    const expected = new Map<number, Set<string>>();
    for (const { key, record, isAdded } of steps) {
      const ids = expected.get(key) ?? new Set();
      expected.set(key, ids);
      if (isAdded) {
        groups.add(key, record);
        ids.add(record.id);
      } else {
        groups.remove(key, record);
        ids.delete(record.id);
      }
    }
    for (const [key, ids] of expected) expect(new Set(groups.of(key).map(({ id }) => id))).toEqual(ids);
    const full = [...expected].filter(([, ids]) => ids.size > 0).map(([key]) => key);
    expect(new Set(groups.keys)).toEqual(new Set(full));
  });
  fc.assert(property);
});
