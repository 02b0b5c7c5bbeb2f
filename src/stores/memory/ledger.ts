/** The ledger of one namespace in memory. */
import {
  type ComputeRecord,
  type CostKey,
  type CostQuery,
  type CostSum,
  type DaySpending,
  dayOf,
  endOf,
  firstOfMonth,
  type MonthCosts,
  runBetween,
  startOf,
} from "../../store.ts";

/** The labels of a sum. A label that a record does not have is empty. */
type Labels = Readonly<Record<CostKey | "tenant", string>>;

type Sum = Labels & DaySpending;

/** Sums of costs by day and label. */
export class MemoryLedger {
  /** By day, and within it by label. */
  readonly #days = new Map<string, Map<string, Sum>>();

  /** Adds settled costs under the labels of their record. */
  add(record: ComputeRecord, spent: readonly DaySpending[]): void {
    const labels = labelsOf(record);
    const key = JSON.stringify(labels);
    for (const { day, cost, seconds, computes } of spent) {
      const sums = this.#days.get(day) ?? new Map<string, Sum>();
      const { cost: c = 0, seconds: s = 0, computes: n = 0 } = sums.get(key) ?? {};
      sums.set(key, { ...labels, day, cost: c + cost, seconds: s + seconds, computes: n + computes });
      this.#days.set(day, sums);
    }
  }

  /** See `Store.costs`. */
  costs({ by, from, to }: CostQuery, live: readonly ComputeRecord[], now: Date): readonly CostSum[] {
    const end = endOf(to);
    const until = now < end ? now : end;
    const sums = new Map<string, Omit<CostSum, "key">>();
    const add = (key: string, { cost, seconds, computes, costPerHour }: Omit<CostSum, "key">): void => {
      const before = sums.get(key) ?? { cost: 0, seconds: 0, computes: 0, costPerHour: 0 };
      sums.set(key, {
        cost: before.cost + cost,
        seconds: before.seconds + seconds,
        computes: before.computes + computes,
        costPerHour: before.costPerHour + costPerHour,
      });
    };
    for (const sum of this.#between(from, to)) add(sum[by], { ...sum, costPerHour: 0 });
    for (const record of live) {
      const { costSince, settledAt, costPerHour } = record;
      if (costSince === null) continue;
      const begins = settledAt === null && costSince >= startOf(from) && costSince < end;
      const run = runBetween(record, startOf(from), until);
      add(labelsOf(record)[by], { ...run, computes: begins ? 1 : 0, costPerHour: costPerHour ?? 0 });
    }
    return [...sums].map(([key, sum]) => ({ key: key === "" ? null : key, ...sum }));
  }

  /** The costs since the first of the month, of all and of this user. */
  monthCosts(userId: string | null, live: readonly ComputeRecord[], now: Date): MonthCosts {
    const from = firstOfMonth(now);
    const sums = this.costs({ namespace: "", by: "user", from, to: dayOf(now) }, live, now);
    const of = (wanted: readonly CostSum[]): number => wanted.reduce((total, { cost }) => total + cost, 0);
    return {
      monthCost: of(sums),
      userMonthCost: userId === null ? 0 : of(sums.filter(({ key }) => key === userId)),
    };
  }

  /** Deletes the sums before that day, the oldest first, up to the limit. */
  forget(before: string, limit: number): void {
    const old = [...this.#days.keys()]
      .filter((day) => day < before)
      .sort((left, right) => (left < right ? -1 : 1));
    let left = limit;
    for (const day of old) {
      const sums = this.#days.get(day);
      for (const key of [...(sums?.keys() ?? [])].slice(0, left)) {
        sums?.delete(key);
        left -= 1;
      }
      if (sums?.size === 0) this.#days.delete(day);
    }
  }

  #between(from: string, to: string): readonly Sum[] {
    return [...this.#days].flatMap(([day, sums]) => (day >= from && day <= to ? [...sums.values()] : []));
  }
}

function labelsOf({ tenantId, userId, provider, gpu }: ComputeRecord): Labels {
  return { tenant: tenantId ?? "", user: userId ?? "", provider, gpu: gpu ?? "" };
}
