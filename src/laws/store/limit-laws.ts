/** Laws of limits: exactly the allowed number is admitted, with any number of callers at once. */
import assert from "node:assert/strict";
import { isAtlasError } from "../../errors.ts";
import { type ComputeStatus, type Limits, liveStatuses, type Store } from "../../store.ts";
import {
  all,
  allEvents,
  atOnce,
  errorCodes,
  insert,
  insertAll,
  type Law,
  type Laws,
  newRecord,
  next,
  replace,
} from "./harness.ts";

/** Each limit, and the number of records of user `u` at 0.25 dollars per hour that it admits. */
const admissions: readonly { limits: Limits; admitted: number }[] = [
  { limits: { computesPerUser: 7 }, admitted: 7 },
  { limits: { computes: 9 }, admitted: 9 },
  { limits: { costPerHourPerUser: 2 }, admitted: 8 },
  { limits: { costPerHour: 2.6 }, admitted: 10 },
  { limits: { computesPerUser: 6, computes: 5, costPerHourPerUser: 1.9, costPerHour: 100 }, admitted: 5 },
  { limits: { computes: 0 }, admitted: 0 },
];

export const limitLaws: Laws = (law) => {
  admissionLaws(law);
  countingLaws(law);
  replaceLimitLaws(law);
};

function admissionLaws(law: Law): void {
  for (const { limits, admitted } of admissions) {
    law(
      `two hundred inserts at once under ${JSON.stringify(limits)} add exactly ${admitted}`,
      async (subject) => {
        const results = await atOnce(subject, 200, (store) =>
          insert(store, newRecord({ userId: "u", costPerHour: 0.25 }), limits),
        );
        assert.deepEqual(
          errorCodes(results),
          Array.from({ length: 200 - admitted }, () => "LIMIT_EXCEEDED"),
        );
        assert.equal((await all(subject.store)).length, admitted);
        assert.equal((await allEvents(subject.store)).length, admitted);
      },
    );
  }

  law("the error names the limit, what it allows and what it would become", async ({ store }) => {
    await insertAll(store, [{ userId: "u", costPerHour: 1.5 }]);
    const refused = insert(store, newRecord({ userId: "u", costPerHour: 2 }), { costPerHourPerUser: 3 });
    await assert.rejects(refused, (error) => {
      assert.ok(isAtlasError(error));
      assert.deepEqual(error.details, { limit: "costPerHourPerUser", allowed: 3, total: 3.5 });
      return error.code === "LIMIT_EXCEEDED";
    });
  });
}

function countingLaws(law: Law): void {
  law("exactly the live states count", async ({ store }) => {
    const ended: readonly ComputeStatus[] = ["terminated", "failed"];
    await insertAll(
      store,
      [...liveStatuses, ...ended].map((status) => ({ status, costPerHour: 1 })),
    );
    const live = liveStatuses.length;
    assert.equal(await admits(store, { computes: live }), false);
    assert.equal(await admits(store, { costPerHour: live }), false);
    assert.equal(await admits(store, { computes: live + 1, costPerHour: live + 1 }), true);
  });

  law(
    "limits of a user count neither other users, nor computes without a user, nor other namespaces",
    async ({ store }) => {
      await insertAll(store, [
        { userId: "other", costPerHour: 9 },
        { costPerHour: 9 },
        { userId: "u", namespace: "other", costPerHour: 9 },
      ]);
      assert.equal(await admits(store, { computesPerUser: 1, costPerHourPerUser: 1 }), true);
      assert.equal(await admits(store, { computesPerUser: 1 }), false);
      const ofNobody = newRecord({ costPerHour: 50 });
      assert.equal(await insert(store, ofNobody, { computesPerUser: 0, costPerHourPerUser: 0 }), undefined);
    },
  );

  law(
    "prices that add up to the limit are within it, though 0.1 + 0.2 is more than 0.3",
    async ({ store }) => {
      for (const costPerHour of [0.1, 0.2])
        assert.equal(await admits(store, { costPerHour: 0.3 }, costPerHour), true);
      assert.equal(await admits(store, { costPerHour: 0.3 }, 0.01), false);
    },
  );

  law("a compute that ends makes room, with its cost", async ({ store }) => {
    const [first] = await insertAll(store, [{ userId: "u", costPerHour: 1 }]);
    assert.ok(first !== undefined);
    const limits = { computes: 1, computesPerUser: 1, costPerHour: 1, costPerHourPerUser: 1 };
    assert.equal(await admits(store, limits), false);
    assert.equal(await replace(store, next(first, { status: "terminated" })), true);
    assert.equal(await admits(store, limits), true);
    assert.equal(await admits(store, limits), false);
  });
}

function replaceLimitLaws(law: Law): void {
  law(
    "replace checks limits against the others, and writes nothing when one would break",
    async ({ store }) => {
      const [record] = await insertAll(store, [{ userId: "u", costPerHour: 1 }, { costPerHour: 1 }]);
      assert.ok(record !== undefined);
      const dearer = next(record, { costPerHour: 3 });
      const results = await Promise.allSettled([replace(store, dearer, { costPerHour: 3.5, computes: 2 })]);
      assert.deepEqual(errorCodes(results), ["LIMIT_EXCEEDED"]);
      assert.deepEqual((await store.get(record.namespace, record.id))?.record, record);
      assert.equal((await allEvents(store, record.id)).length, 1);
      assert.equal(
        await replace(store, dearer, { costPerHour: 4, costPerHourPerUser: 3, computes: 2 }),
        true,
      );
    },
  );

  law("replace of another version is false even where it would break a limit", async ({ store }) => {
    const [record] = await insertAll(store, [{}, {}]);
    assert.ok(record !== undefined);
    assert.equal(await replace(store, record, { computes: 1 }), false);
    assert.equal(await replace(store, next(newRecord()), { computes: 1 }), false);
  });

  law("replaces at once under a limit raise the cost no further than allowed", async (subject) => {
    const records = await insertAll(
      subject.store,
      Array.from({ length: 40 }, () => ({ costPerHour: 1 })),
    );
    const results = await atOnce(subject, 40, async (store, index) => {
      const record = records[index];
      assert.ok(record !== undefined);
      return replace(store, next(record, { costPerHour: 2 }), { costPerHour: 52 });
    });
    assert.deepEqual(
      errorCodes(results),
      Array.from({ length: 28 }, () => "LIMIT_EXCEEDED"),
    );
    const costs = (await all(subject.store)).map((record) => record.costPerHour ?? 0);
    assert.equal(
      costs.reduce((sum, cost) => sum + cost),
      52,
    );
  });
}

async function admits(store: Store, limits: Limits, costPerHour = 1): Promise<boolean> {
  const [result] = await Promise.allSettled([insert(store, newRecord({ userId: "u", costPerHour }), limits)]);
  assert.ok(result !== undefined);
  return errorCodes([result]).length === 0;
}
