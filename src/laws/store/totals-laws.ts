/** Laws of totals. */
import assert from "node:assert/strict";
import { type ComputeRecord, costSoFar, liveStatuses, type Total } from "../../store.ts";
import { insertAll, type Laws, namespace } from "./harness.ts";

const HOUR = 3_600_000;

export const totalsLaws: Laws = (law) => {
  law(
    "totals count and add up each group of the filter's records, the costliest group first",
    async ({ store }) => {
      const now = (await store.now()).getTime();
      const records = await insertAll(
        store,
        [...Array(24).keys()].map((index) => ({
          userId: index % 4 === 0 ? null : `u${index % 4}`,
          provider: index % 3 === 0 ? "fly" : "runpod",
          status: index % 5 === 0 ? "terminated" : "running",
          gpu: index % 2 === 0 ? "h100" : null,
          costPerHour: index % 6 === 0 ? null : index / 4,
          costBefore: index / 8,
          costSince: index % 7 === 0 ? null : new Date(now - index * HOUR),
          dueAt: index % 2 === 0 ? new Date(now + index * 1000) : null,
        })),
      );
      await insertAll(store, [{ namespace: "other", costPerHour: 1000 }]);
      for (const by of [["userId"], ["provider", "status"], ["gpu", "userId", "provider"]] as const) {
        for (const filter of [{ namespace }, { namespace, statuses: liveStatuses, userId: "u2" }]) {
          const wanted = records.filter(
            ({ userId, status }) => !("userId" in filter) || (userId === "u2" && status === "running"),
          );
          const found = await store.totals({ filter, by, limit: 100 });
          assert.deepEqual(sorted(found), sorted(expected(wanted, by, new Date(now))));
          const costs = found.map(({ costPerHour }) => costPerHour);
          assert.deepEqual(
            costs,
            costs.toSorted((left, right) => right - left),
          );
          assert.deepEqual(await store.totals({ filter, by, limit: 1 }), found.slice(0, 1));
        }
      }
    },
  );

  law(
    "without a record there are no groups, and time alone moves what a group has cost",
    async ({ store, advance }) => {
      const query = { filter: { namespace }, by: ["provider"], limit: 10 } as const;
      assert.deepEqual(await store.totals(query), []);
      const costSince = await store.now();
      await insertAll(store, [{ costPerHour: 2, costBefore: 1, costSince }, { costBefore: 0.5 }]);
      await advance(5400);
      const [total] = await store.totals(query);
      assert.deepEqual(total, { keys: ["mock"], computes: 2, costPerHour: 2, costSoFar: 4.5, dueAt: null });
    },
  );
};

function expected(
  records: readonly ComputeRecord[],
  by: readonly ("userId" | "provider" | "status" | "gpu")[],
  now: Date,
): readonly Total[] {
  const groups = Map.groupBy(records, (record) => by.map((key) => record[key]).join());
  return [...groups.values()].map((group) => ({
    keys: by.map((key) => group[0]?.[key] ?? null),
    computes: group.length,
    costPerHour: group.reduce((sum, { costPerHour }) => sum + (costPerHour ?? 0), 0),
    costSoFar: group.reduce((sum, record) => sum + costSoFar(record, now), 0),
    dueAt: group.reduce<Date | null>(
      (first, { dueAt }) => (first === null || (dueAt !== null && dueAt < first) ? dueAt : first),
      null,
    ),
  }));
}

/** In the order of their keys, with sums rounded: databases add in another order. */
function sorted(totals: readonly Total[]): readonly Total[] {
  const round = (dollars: number): number => Math.round(dollars * 1e6) / 1e6;
  return totals
    .map((total) => ({ ...total, costPerHour: round(total.costPerHour), costSoFar: round(total.costSoFar) }))
    .toSorted((left, right) => (left.keys.join() < right.keys.join() ? -1 : 1));
}
