import fc from "fast-check";
import { expect, test } from "vitest";
import { newRecord } from "../../src/laws/store/harness.ts";
import { isLive } from "../../src/store.ts";
import { RunningTotals } from "../../src/stores/memory/running-totals.ts";

const record = fc
  .record({
    userId: fc.constantFrom(null, "ann", "bob"),
    status: fc.constantFrom("pending", "running", "terminated"),
    costPerHour: fc.option(fc.integer({ min: 0, max: 10_000_000 }).map((millionths) => millionths / 1e6)),
  })
  .map((facts) => newRecord(facts));

test("totals are what counting anew would give, whatever came and went", () => {
  const property = fc.property(fc.array(record), fc.array(record), (staying, leaving) => {
    const totals = new RunningTotals();
    for (const each of [...leaving, ...staying]) totals.count(each, 1);
    for (const each of leaving) totals.count(each, -1);
    for (const userId of ["ann", "bob", "nobody"]) {
      const live = staying.filter(({ status }) => isLive(status));
      const ofUser = live.filter((each) => each.userId === userId);
      const usage = totals.usage(userId);
      expect(usage.computes).toBe(live.length);
      expect(usage.userComputes).toBe(ofUser.length);
      expect(usage.costPerHour).toBeCloseTo(sum(live), 9);
      expect(usage.userCostPerHour).toBeCloseTo(sum(ofUser), 9);
    }
  });
  fc.assert(property);
});

test("a price that no float holds leaves nothing behind after it went", () => {
  const totals = new RunningTotals();
  const cheap = newRecord({ costPerHour: 0.1 });
  const dear = newRecord({ costPerHour: 0.7 });
  for (let round = 0; round < 1000; round += 1) {
    totals.count(cheap, 1);
    totals.count(dear, 1);
    totals.count(cheap, -1);
    totals.count(dear, -1);
  }
  expect(totals.usage(null).costPerHour).toBe(0);
});

function sum(records: readonly { readonly costPerHour: number | null }[]): number {
  return records.reduce((total, { costPerHour }) => total + (costPerHour ?? 0), 0);
}
