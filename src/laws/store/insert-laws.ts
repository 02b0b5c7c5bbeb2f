/** Laws of `insert`: the written rows, and the unique fields. */
import assert from "node:assert/strict";
import {
  all,
  allEvents,
  atOnce,
  codeOf,
  errorCodes,
  insert,
  insertAll,
  type Law,
  type Laws,
  namespace,
  newRecord,
  values,
} from "./harness.ts";

export const insertLaws: Laws = (law) => {
  additionLaws(law);
  keyLaws(law);
  nameLaws(law);
};

function additionLaws(law: Law): void {
  law("insert adds the record and its first event, and returns nothing", async ({ store }) => {
    const record = newRecord();
    const event = {
      type: "note",
      status: "pending",
      reason: "requested",
      costSoFar: 0.5,
      data: { why: "because", list: [1, null, { deep: true }] },
    } as const;
    assert.equal(await store.insert(record, event, {}), undefined);
    const now = await store.now();
    assert.deepEqual(await store.get(namespace, record.id), { record, now });
    const [written, ...more] = await allEvents(store);
    assert.ok(written !== undefined);
    assert.deepEqual(written, { ...event, id: written.id, computeId: record.id, at: now });
    assert.match(written.id, /^\d+$/);
    assert.deepEqual(more, []);
  });
}

function keyLaws(law: Law): void {
  law("a known idempotency key answers its record and adds nothing", async ({ store }) => {
    const [first] = await insertAll(store, [{ idempotencyKey: "checkout-9" }]);
    assert.deepEqual(await insert(store, newRecord({ idempotencyKey: "checkout-9" })), first);
    assert.deepEqual(await all(store), [first]);
    assert.equal((await allEvents(store)).length, 1);
  });

  law(
    "a known idempotency key is answered whatever the state of its record, and past every limit",
    async ({ store }) => {
      const [first] = await insertAll(store, [{ idempotencyKey: "a", status: "terminated" }, {}]);
      assert.deepEqual(await insert(store, newRecord({ idempotencyKey: "a" }), { computes: 1 }), first);
    },
  );

  law(
    "of many inserts under one key at once one is added, and every other caller gets its record",
    async (subject) => {
      const results = await atOnce(subject, 100, (store) =>
        insert(store, newRecord({ idempotencyKey: "key" })),
      );
      assert.deepEqual(errorCodes(results), []);
      const [only, ...more] = await all(subject.store);
      assert.deepEqual(more, []);
      const answers = values(results).filter((answer) => answer !== undefined);
      assert.equal(answers.length, 99);
      for (const answer of answers) assert.deepEqual(answer, only);
      assert.equal((await allEvents(subject.store)).length, 1);
    },
  );

  law(
    "of many limited inserts under one key at once one is added, and every other caller gets its record",
    async (subject) => {
      const results = await atOnce(subject, 50, (store) =>
        insert(store, newRecord({ idempotencyKey: "key", userId: "u" }), { computesPerUser: 1 }),
      );
      assert.deepEqual(errorCodes(results), []);
      assert.equal(values(results).filter((answer) => answer === undefined).length, 1);
      assert.equal((await all(subject.store)).length, 1);
    },
  );

  law("records without a key do not collide, nor do equal keys in two namespaces", async ({ store }) => {
    await insertAll(store, [{}, {}, { idempotencyKey: "k" }, { idempotencyKey: "k", namespace: "other" }]);
    assert.equal((await all(store)).length, 3);
    assert.equal((await all(store, { namespace: "other" })).length, 1);
  });
}

function nameLaws(law: Law): void {
  law("a second record of the same name or id is a CONFLICT, and nothing is written", async ({ store }) => {
    const [first] = await insertAll(store, [{ name: "atlas-laws-same" }]);
    assert.ok(first !== undefined);
    for (const clash of [newRecord({ name: first.name }), newRecord({ id: first.id })]) {
      await assert.rejects(insert(store, clash), (error) => codeOf(error) === "CONFLICT");
    }
    assert.deepEqual(await all(store), [first]);
    assert.equal((await allEvents(store)).length, 1);
    assert.equal(await insert(store, newRecord({ name: first.name, namespace: "other" })), undefined);
  });

  law("of many inserts of one name at once exactly one is added", async (subject) => {
    const results = await atOnce(subject, 50, (store) =>
      insert(store, newRecord({ name: "atlas-laws-one" })),
    );
    assert.deepEqual(
      errorCodes(results),
      Array.from({ length: 49 }, () => "CONFLICT"),
    );
    assert.equal((await all(subject.store)).length, 1);
    assert.equal((await allEvents(subject.store)).length, 1);
  });
}
