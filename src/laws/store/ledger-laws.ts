/** Laws of costs: each cost counts once, on its day, whatever happens to its record. */
import assert from "node:assert/strict";
import {
  type ComputeRecord,
  type CostSum,
  type DaySpending,
  dayOf,
  firstOfMonth,
  type Store,
} from "../../store.ts";
import {
  atOnce,
  errorCodes,
  eventOf,
  insert,
  insertAll,
  type Law,
  type Laws,
  longAgo,
  namespace,
  newRecord,
  next,
  values,
} from "./harness.ts";

const HOUR = 3_600_000;
const ALL = { namespace, from: "1970-01-01", to: "2199-12-31" } as const;

export const ledgerLaws: Laws = (law) => {
  settledLaws(law);
  settlingLaws(law);
  runningLaws(law);
  monthLaws(law);
  retentionLaws(law);
};

function settledLaws(law: Law): void {
  law(
    "settled costs are summed by user, provider and GPU, of the days that are asked for",
    async ({ store }) => {
      const records = await insertAll(store, [
        { userId: "ann", provider: "fly", gpu: "l40s" },
        { userId: "ann", provider: "runpod", gpu: null },
        { userId: null, provider: "fly", gpu: "l40s" },
        { userId: "ann", provider: "fly", gpu: "l40s", namespace: "other" },
      ]);
      for (const [index, record] of records.entries())
        await settle(store, record, [
          { ...part("2026-01-31", 2 ** index), computes: 1 },
          part("2026-02-01", 2 ** index * 16),
        ]);
      const costs = async (by: "user" | "provider" | "gpu", from: string, to: string): Promise<unknown> =>
        Object.fromEntries(
          (await store.costs({ namespace, by, from, to })).map(({ key, cost, computes }) => [
            key,
            [cost, computes],
          ]),
        );
      assert.deepEqual(await costs("user", "2026-01-31", "2026-01-31"), { ann: [3, 2], null: [4, 1] });
      assert.deepEqual(await costs("provider", "2026-02-01", "2026-02-28"), {
        fly: [80, 0],
        runpod: [32, 0],
      });
      assert.deepEqual(await costs("gpu", "2026-01-01", "2026-02-01"), { l40s: [85, 2], null: [34, 1] });
      assert.deepEqual(await costs("user", "2026-02-02", "2026-12-31"), {});
    },
  );
}

function settlingLaws(law: Law): void {
  law("a replacement that is refused settles nothing", async ({ store }) => {
    const [record] = await insertAll(store, [{ userId: "ann" }, {}]);
    assert.ok(record !== undefined);
    const spent = [part("2026-01-31", 1)];
    assert.equal(await store.replace(record, eventOf(record), { spent }), false);
    const broken = store.replace(next(record), undefined, { spent, limits: { computes: 1 } });
    assert.deepEqual(errorCodes(await Promise.allSettled([broken])), ["LIMIT_EXCEEDED"]);
    assert.deepEqual(await store.costs({ ...ALL, by: "user" }), []);
    assert.equal(await store.replace(next(record), undefined, { spent }), true);
    assert.equal(total(await store.costs({ ...ALL, by: "user" })), 1);
  });

  law(
    "forty that settle at once under the same labels lose none, and no reader sees a cost twice or not at all",
    async (subject) => {
      const { store } = subject;
      const since = new Date((await store.now()).getTime() - HOUR);
      const running = { status: "running", userId: "ann", costPerHour: 1, costSince: since } as const;
      const records = await insertAll(
        store,
        Array.from({ length: 40 }, () => running),
      );
      const results = await atOnce(subject, 80, async (end, index) => {
        const record = records[(index - (index % 2)) / 2];
        assert.ok(record !== undefined);
        if (index % 2 === 0) return total(await end.costs({ ...ALL, by: "user" }));
        const ended = next(record, { status: "terminated", costSince: null, settledAt: since });
        const spent = [{ ...part(dayOf(since), 1), computes: 1 }];
        assert.equal(await end.replace(ended, index % 4 === 1 ? undefined : eventOf(ended), { spent }), true);
        return 40;
      });
      assert.deepEqual(errorCodes(results), []);
      for (const sum of values(results)) assert.ok(Math.abs(sum - 40) < 1e-6, `${sum} is not 40`);
      const [sum] = await store.costs({ ...ALL, by: "user" });
      assert.deepEqual([sum?.key, sum?.computes, sum?.costPerHour], ["ann", 40, 0]);
    },
  );
}

function runningLaws(law: Law): void {
  law(
    "a run counts up to the store's time, on the days on which it ran, and its compute on the first of them",
    async (subject) => {
      const { store } = subject;
      const now = (await store.now()).getTime();
      const day = (days: number): string => dayOf(new Date(now - days * 24 * HOUR));
      const costSince = new Date(now - 48 * HOUR);
      await insertAll(store, [{ status: "running", gpu: "l4", costPerHour: 0.5, costSince }]);
      const cost = async (from: string, to: string): Promise<CostSum> => {
        const [sum] = await store.costs({ namespace, by: "gpu", from, to });
        assert.ok(sum !== undefined);
        return sum;
      };
      near((await cost(day(2), day(0))).cost, 24);
      assert.deepEqual(
        [(await cost(day(1), day(1))).cost, (await cost(day(1), day(1))).seconds].map(Math.round),
        [12, 86_400],
      );
      near((await cost(day(2), day(2))).cost + (await cost(day(0), day(0))).cost, 12);
      assert.deepEqual(
        [(await cost(day(2), day(2))).computes, (await cost(day(1), day(0))).computes],
        [1, 0],
      );
      assert.deepEqual([(await cost(day(9), day(8))).cost, (await cost(day(-1), day(-9))).cost], [0, 0]);
      assert.equal((await cost(day(2), day(0))).costPerHour, 0.5);
      await subject.advance(3600);
      near((await cost(day(2), day(-1))).cost, 24.5);
    },
  );

  law(
    "a run of an unknown price has seconds, a stopped or ended record no run, and a settled one no second beginning",
    async ({ store }) => {
      const costSince = new Date((await store.now()).getTime() - HOUR);
      await insertAll(store, [
        { status: "running", userId: "unknown", costSince },
        { status: "stopped", userId: "stopped", costPerHour: 9 },
        { status: "terminated", userId: "ended", costPerHour: 9, costSince },
        { status: "running", userId: "settled", costPerHour: 2, costSince, settledAt: costSince },
      ]);
      const sums = (await store.costs({ ...ALL, by: "user" })).toSorted((left, right) =>
        String(left.key).localeCompare(String(right.key)),
      );
      assert.deepEqual(
        sums.map(({ key, cost, seconds, computes }) => [
          key,
          Math.round(cost),
          Math.round(seconds),
          computes,
        ]),
        [
          ["settled", 2, 3600, 0],
          ["unknown", 0, 3600, 1],
        ],
      );
    },
  );
}

function monthLaws(law: Law): void {
  law(
    "a month's limit admits until its costs reach it, settled and running ones, and no other month's",
    async (subject) => {
      const { store } = subject;
      const now = await store.now();
      const [old, recent] = await insertAll(store, [{ userId: "ann" }, { userId: "ann" }]);
      assert.ok(old !== undefined && recent !== undefined);
      await settle(store, old, [part("2020-05-05", 1000)]);
      assert.equal(await refusal(store, { costPerMonth: 10, costPerMonthPerUser: 10 }), undefined);
      await settle(store, recent, [part(firstOfMonth(now), 4)]);
      assert.equal(await refusal(store, { costPerMonth: 4.01, costPerMonthPerUser: 4.01 }), undefined);
      assert.deepEqual(await refusal(store, { costPerMonthPerUser: 4 }), {
        limit: "costPerMonthPerUser",
        allowed: 4,
        spent: 4,
      });
      assert.deepEqual((await refusal(store, { costPerMonth: 0 }))?.limit, "costPerMonth");
      assert.equal(await refusal(store, { costPerMonthPerUser: 0.01 }, "bob"), undefined);
      await insertAll(store, [{ status: "running", userId: "ann", costPerHour: 3600, costSince: now }]);
      assert.equal(await refusal(store, { costPerMonthPerUser: 9 }), undefined);
      await subject.advance(5);
      const spent = Number((await refusal(store, { costPerMonthPerUser: 9 }))?.spent);
      near(spent, 9);
    },
  );

  law(
    "two hundred inserts at once, while costs are settled, are refused from the month's limit on",
    async (subject) => {
      const { store } = subject;
      const today = dayOf(await store.now());
      const records = await insertAll(
        store,
        Array.from({ length: 20 }, () => ({ userId: "u" })),
      );
      const limits = { costPerMonth: 20, costPerMonthPerUser: 20 };
      const results = await atOnce(subject, 40, async (end, index) => {
        const record = records[(index - (index % 2)) / 2];
        assert.ok(record !== undefined);
        if (index % 2 === 0) return settle(end, record, [part(today, 1)]);
        return insert(end, newRecord({ userId: "u" }), limits);
      });
      assert.deepEqual(
        errorCodes(results).filter((code) => code !== "LIMIT_EXCEEDED"),
        [],
      );
      assert.equal((await refusal(store, limits))?.spent, 20);
    },
  );
}

function retentionLaws(law: Law): void {
  law(
    "costs outlive their records, and the ledger keeps no day before the one that retention names",
    async ({ store }) => {
      const [record] = await insertAll(store, [{ userId: "ann" }]);
      assert.ok(record !== undefined);
      const ended = next(record, { status: "terminated", endedAt: new Date(longAgo.getTime() - 1) });
      const days = ["2023-01-01", "2023-01-02", "2023-01-03"];
      assert.equal(
        await store.replace(ended, eventOf(ended), { spent: days.map((day) => part(day, 1)) }),
        true,
      );
      const old = { namespace, endedBefore: longAgo, computeIds: [], eventsPerCompute: 1000 };
      assert.deepEqual(await store.forget({ ...old, limit: 100 }), { computes: 1, events: 0 });
      assert.equal(total(await store.costs({ ...ALL, by: "user" })), 3);
      await store.forget({ ...old, ledgerBefore: "2023-01-03", limit: 1 });
      assert.equal(total(await store.costs({ ...ALL, by: "user" })), 2);
      assert.equal(total(await store.costs({ ...ALL, by: "user", to: "2023-01-01" })), 0);
      await store.forget({ ...old, ledgerBefore: "2023-01-03", limit: 100 });
      assert.deepEqual(await store.costs({ ...ALL, by: "user" }), [
        { key: "ann", cost: 1, seconds: 60, computes: 0, costPerHour: 0 },
      ]);
    },
  );
}

function part(day: string, cost: number): DaySpending {
  return { day, cost, seconds: 60, computes: 0 };
}

async function settle(
  store: Store,
  record: ComputeRecord,
  spent: readonly DaySpending[],
): Promise<undefined> {
  assert.equal(await store.replace(next(record), undefined, { spent }), true);
}

function total(sums: readonly CostSum[]): number {
  return sums.reduce((sum, { cost }) => sum + cost, 0);
}

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 0.01, `${actual} is not ${expected}`);
}

/** The details of the refusal of an insert; `undefined` when it is admitted. */
async function refusal(
  store: Store,
  limits: Parameters<Store["insert"]>[2],
  userId = "ann",
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const [result] = await Promise.allSettled([insert(store, newRecord({ userId }), limits)]);
  if (result?.status !== "rejected") return undefined;
  assert.deepEqual(errorCodes([result]), ["LIMIT_EXCEEDED"]);
  return Object(result.reason).details;
}
