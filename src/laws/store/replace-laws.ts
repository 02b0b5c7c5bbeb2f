/** Laws of `replace`: compare and set. */
import assert from "node:assert/strict";
import type { ComputeRecord } from "../../store.ts";
import {
  allEvents,
  atOnce,
  errorCodes,
  eventOf,
  insertAll,
  type Law,
  type Laws,
  longAgo,
  namespace,
  newRecord,
  next,
  replace,
  values,
} from "./harness.ts";

export const replaceLaws: Laws = (law) => {
  changeLaws(law);
  concurrencyLaws(law);
  copyLaws(law);
};

function changeLaws(law: Law): void {
  law("replace changes the record whose version is one less, and writes the event", async ({ store }) => {
    const [record] = await insertAll(store, [{}]);
    assert.ok(record !== undefined);
    const changed = next(record, { status: "running", providerId: "p1", gpu: "h100", costPerHour: 2.5 });
    assert.equal(await replace(store, changed), true);
    assert.deepEqual((await store.get(namespace, record.id))?.record, changed);
    const statuses = (await allEvents(store, record.id)).map((event) => event.status);
    assert.deepEqual(statuses, ["provisioning", "running"]);
  });

  law(
    "replace with the record before writes every field that differs, and keeps every other",
    async ({ store }) => {
      const tokens = [{ hash: "a".repeat(64), kind: "user", expiresAt: null }] as const;
      const [record] = await insertAll(store, [
        { userId: "ada", slot: "one", metadata: { plan: "pro" }, tokens },
      ]);
      assert.ok(record !== undefined);
      const steps: readonly Partial<ComputeRecord>[] = [
        { lastActiveAt: new Date(longAgo.getTime() + 1000) },
        { tokens: [{ hash: "b".repeat(64), kind: "user", expiresAt: null }] },
        { status: "terminated", reason: "idle", endedAt: longAgo },
        { reports: { gpu: { ok: true } } },
      ];
      let current = record;
      for (const [index, step] of steps.entries()) {
        const changed = next(current, step);
        const event = index % 2 === 0 ? undefined : eventOf(changed);
        assert.equal(await store.replace(changed, event, { before: current }), true);
        assert.equal(await store.replace(changed, event, { before: current }), false);
        assert.deepEqual((await store.get(namespace, record.id))?.record, changed);
        current = changed;
      }
      assert.equal(await store.getByTokenHash(namespace, "a".repeat(64), "user"), undefined);
      assert.equal((await store.getByTokenHash(namespace, "b".repeat(64), "user"))?.record.id, record.id);
      assert.equal((await allEvents(store)).length, 3);
    },
  );

  law("replace without an event writes none", async ({ store }) => {
    const [record] = await insertAll(store, [{}]);
    assert.ok(record !== undefined);
    assert.equal(await store.replace(next(record, { attempts: 3 }), undefined), true);
    assert.equal((await store.get(namespace, record.id))?.record.attempts, 3);
    assert.equal((await allEvents(store)).length, 1);
  });

  law("replace of another version, or of no record, is false and writes nothing", async ({ store }) => {
    const [record] = await insertAll(store, [{ version: 5 }]);
    assert.ok(record !== undefined);
    for (const version of [1, 4, 5, 7]) {
      assert.equal(await replace(store, { ...record, version, status: "failed" }), false);
    }
    assert.equal(await replace(store, next(newRecord())), false);
    assert.equal(await replace(store, next({ ...record, namespace: "other" })), false);
    assert.deepEqual((await store.get(namespace, record.id))?.record, record);
    assert.equal((await allEvents(store)).length, 1);
  });
}

function concurrencyLaws(law: Law): void {
  for (const limits of [undefined, { computes: 1 }]) {
    law(
      `of fifty replaces of one version at once one wins${limits ? ", under limits too" : ""}`,
      async (subject) => {
        const [record] = await insertAll(subject.store, [{}]);
        assert.ok(record !== undefined);
        const results = await atOnce(subject, 50, (store, index) =>
          replace(store, next(record, { attempts: index }), limits),
        );
        assert.deepEqual(errorCodes(results), []);
        const winners = values(results).flatMap((won, index) => (won ? [index] : []));
        assert.equal(winners.length, 1);
        assert.equal((await subject.store.get(namespace, record.id))?.record.attempts, winners[0]);
        assert.equal((await allEvents(subject.store)).length, 2);
      },
    );
  }

  law("calls of every kind at once on the same records all succeed", async (subject) => {
    const dueAt = await subject.store.now();
    const records = await insertAll(
      subject.store,
      Array.from({ length: 4 }, () => ({ dueAt, costPerHour: 1 })),
    );
    const results = await atOnce(subject, 160, async (store, index) => {
      const record = records[index % records.length];
      assert.ok(record !== undefined);
      if (index % 5 === 0) return store.claimDue({ namespace, lease: `${index}`, leaseSeconds: 0, limit: 2 });
      if (index % 5 === 1) return store.insert(newRecord(), eventOf(record), { costPerHour: 1e6 });
      const current = (await store.get(namespace, record.id))?.record ?? record;
      const limits = index % 5 === 2 ? { costPerHour: 1e6 } : undefined;
      return store.replace(next(current), index % 5 === 3 ? undefined : eventOf(record), { limits });
    });
    assert.deepEqual(errorCodes(results), []);
  });
}

function copyLaws(law: Law): void {
  law("a change of a caller's object does not change the stored one", async ({ store }) => {
    const given = newRecord({
      metadata: { plan: "pro" },
      dueAt: new Date(5000),
      reports: { gpu: { ok: true } },
    });
    const kept = structuredClone(given);
    await store.insert(
      given,
      { type: "note", status: "pending", reason: null, costSoFar: null, data: {} },
      {},
    );
    given.dueAt?.setTime(0);
    Object.assign(given.metadata, { plan: "free" });
    const read = await store.get(namespace, given.id);
    assert.deepEqual(read?.record, kept);
    read.record.createdAt.setTime(0);
    read.now.setTime(0);
    Object.assign(read.record.reports, { gpu: { ok: false } });
    assert.deepEqual((await store.get(namespace, given.id))?.record, kept);
    assert.notEqual((await store.now()).getTime(), 0);
  });
}
