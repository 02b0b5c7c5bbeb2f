/** Generated costs, for the comparison of a store with the model. */
import fc from "fast-check";
import { type DaySpending, dayOf } from "../../store.ts";

/** Costs of a day that many days before the store's present. */
interface Settlement extends Omit<DaySpending, "day"> {
  readonly daysAgo: number;
}

/** Costs that one step settles, at most once a day. */
export const settlements: fc.Arbitrary<readonly Settlement[]> = fc.uniqueArray(
  fc.record({
    daysAgo: fc.constantFrom(0, 1, 2, 40),
    cost: fc.constantFrom(0, 0.25, 3),
    seconds: fc.constantFrom(0, 60),
    computes: fc.constantFrom(0, 1),
  }),
  { maxLength: 2, selector: ({ daysAgo }) => daysAgo },
);

/** The costs with their days. */
export function spentOf(now: Date, settled: readonly Settlement[]): readonly DaySpending[] {
  return settled.map(({ daysAgo, ...sums }) => ({
    ...sums,
    day: dayOf(new Date(now.getTime() - daysAgo * 86_400_000)),
  }));
}

/** Sums differ from store to store in their last digits. */
export function rounded(value: number): number {
  return Number(value.toPrecision(9));
}
