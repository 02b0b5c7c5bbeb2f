import fc from "fast-check";
import { expect, test } from "vitest";
import { DueQueue } from "../../src/stores/memory/due-queue.ts";

const id = fc.constantFrom(..."abcdefgh");
const at = fc.option(fc.nat({ max: 20 }), { nil: undefined });

test("whatever was set in whatever order, what is due comes earliest first, each id once", () => {
  const property = fc.property(
    fc.array(fc.tuple(id, at), { maxLength: 400 }),
    fc.nat({ max: 25 }),
    (sets, now) => {
      const queue = new DueQueue();
      const expected = new Map<string, number | undefined>();
      for (const [name, time] of sets) {
        queue.set(name, time);
        expected.set(name, time);
        if (time === 7) queue.due(now, 3, () => true);
      }
      const due = [...expected].filter(([, time]) => time !== undefined && time <= now);
      const found = queue.due(now, 100, () => true);
      expect(new Set(found)).toEqual(new Set(due.map(([name]) => name)));
      expect(found.length).toBe(due.length);
      const times = found.map((name) => expected.get(name) ?? Number.NaN);
      expect(times).toEqual(times.toSorted((left, right) => left - right));
    },
  );
  fc.assert(property);
});

test("only what is due is looked at, however much is stored", () => {
  const queue = new DueQueue();
  for (let index = 0; index < 100_000; index += 1) queue.set(`late-${index}`, 1_000 + index);
  for (let index = 0; index < 100; index += 1) queue.set(`due-${index}`, index);
  const seen: string[] = [];
  queue.due(500, 1_000, (name) => {
    seen.push(name);
    return false;
  });
  expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => `due-${index}`));
});

test("a limit leaves the rest for the next time", () => {
  const queue = new DueQueue();
  for (const [name, time] of [
    ["a", 3],
    ["b", 1],
    ["c", 2],
  ] as const)
    queue.set(name, time);
  expect(queue.due(9, 2, () => true)).toEqual(["b", "c"]);
  expect(queue.due(9, 2, (name) => name !== "b")).toEqual(["c", "a"]);
});
