/** Laws of retention: what is old goes, in bounded steps, and nothing that lives. */
import assert from "node:assert/strict";
import {
  all,
  allEvents,
  eventOf,
  insertAll,
  type Law,
  type Laws,
  longAgo,
  namespace,
  next,
} from "./harness.ts";

const hash = "ab".repeat(32);
const bounds = { namespace, endedBefore: longAgo, computeIds: [], eventsPerCompute: 1000, limit: 100 };

export const retentionLaws: Laws = (law) => {
  recordLaws(law);
  eventLaws(law);
};

function recordLaws(law: Law): void {
  law(
    "records that ended before the time go, with their tokens, keys and events, and no other",
    async ({ store }) => {
      const before = new Date(longAgo.getTime() - 1);
      const old = { status: "terminated", endedAt: before } as const;
      const token = { hash, kind: "user", expiresAt: null } as const;
      const [gone, , ...kept] = await insertAll(store, [
        { ...old, idempotencyKey: "k", tokens: [token] },
        { ...old, status: "failed" },
        { ...old, endedAt: longAgo },
        { status: "terminating", endedAt: before },
        { status: "running" },
      ]);
      const [other] = await insertAll(store, [{ ...old, namespace: "other" }]);
      assert.ok(gone !== undefined);
      assert.deepEqual(await store.forget(bounds), { computes: 2, events: 0 });
      assert.deepEqual(new Set(await all(store)), new Set(kept));
      assert.deepEqual(await all(store, { namespace: "other" }), [other]);
      assert.equal(await store.getByIdempotencyKey(namespace, "k"), undefined);
      assert.equal(await store.getByTokenHash(namespace, hash, "user"), undefined);
      assert.deepEqual(await allEvents(store, gone.id), []);
      assert.equal((await allEvents(store)).length, 3);
      assert.deepEqual(await store.forget(bounds), { computes: 0, events: 0 });
    },
  );

  law("one call deletes the oldest records up to its limit", async ({ store }) => {
    const days = [3, 1, 5, 2, 4];
    const endedAt = (day: number): Date => new Date(longAgo.getTime() - day * 86_400_000);
    const records = await insertAll(
      store,
      days.map((day) => ({ status: "terminated" as const, endedAt: endedAt(day) })),
    );
    assert.deepEqual(await store.forget({ ...bounds, limit: 2 }), { computes: 2, events: 0 });
    const left = new Set((await all(store)).map(({ id }) => id));
    assert.deepEqual(left, new Set([records[0], records[1], records[3]].map((record) => record?.id)));
  });
}

function eventLaws(law: Law): void {
  law("of the named computes the newest events stay, and of the others all", async ({ store }) => {
    const written = new Map<string, number>();
    for (let record of await insertAll(store, [{}, {}, {}])) {
      for (let step = 0; step < 9; step += 1) {
        record = next(record);
        assert.equal(await store.replace(record, eventOf(record, { step })), true);
      }
      written.set(record.id, 10);
    }
    const [first = "", second = "", third = ""] = [...written.keys()];
    const trim = { ...bounds, computeIds: [first, second, "missing"], eventsPerCompute: 4 };
    assert.deepEqual(await store.forget({ ...trim, limit: 5 }), { computes: 0, events: 5 });
    assert.deepEqual(await store.forget(trim), { computes: 0, events: 7 });
    assert.deepEqual(await store.forget(trim), { computes: 0, events: 0 });
    for (const id of [first, second]) {
      const steps = (await allEvents(store, id)).map(({ data }) => data.step);
      assert.deepEqual(steps, [5, 6, 7, 8]);
    }
    assert.equal((await allEvents(store, third)).length, 10);
    assert.equal((await allEvents(store)).length, 18);
  });
}
