/** Laws of `claimDue`: leases, order, and no record twice. */
import assert from "node:assert/strict";
import type { ComputeRecord, Snapshot, Store } from "../../store.ts";
import {
  allEvents,
  atOnce,
  claim,
  insertAll,
  type Law,
  type Laws,
  namespace,
  next,
  replace,
  values,
} from "./harness.ts";

export const claimLaws: Laws = (law) => {
  orderLaws(law);
  leaseLaws(law);
  concurrencyLaws(law);
};

function orderLaws(law: Law): void {
  law("claimDue gives the due records, longest due first, up to its limit", async ({ store }) => {
    const now = await store.now();
    const seconds = [0, -50, 60, -7, null, -3600, -1, 0.001];
    await insertAll(
      store,
      seconds.map((second) => ({ dueAt: second === null ? null : after(now, second) })),
    );
    const first = await claim(store, "first", 3);
    assert.deepEqual(
      first.map((snapshot) => secondsFrom(now, snapshot)),
      [-3600, -50, -7],
    );
    const second = await claim(store, "second");
    assert.deepEqual(
      second.map((snapshot) => secondsFrom(now, snapshot)),
      [-1, 0],
    );
    assert.deepEqual(await claim(store, "third"), []);
  });

  law("a claim sets lease, leaseUntil and version, and nothing else", async ({ store }) => {
    const now = await store.now();
    const [record] = await insertAll(store, [{ dueAt: after(now, -1), lease: "old", leaseUntil: now }]);
    assert.ok(record !== undefined);
    const leased = next(record, { lease: "new", leaseUntil: after(now, 2.5) });
    const claimed = await store.claimDue({ namespace, lease: "new", leaseSeconds: 2.5, limit: 1 });
    assert.deepEqual(claimed, [{ record: leased, now }]);
    assert.deepEqual(await store.get(namespace, record.id), { record: leased, now });
    assert.equal((await allEvents(store)).length, 1);
  });
}

function leaseLaws(law: Law): void {
  law("a lease hides its record until it ends", async ({ store, advance }) => {
    const [record] = await insertAll(store, [{ dueAt: after(await store.now(), -1) }]);
    assert.deepEqual(ids(await claim(store, "a")), [record?.id]);
    await advance(59.999);
    assert.deepEqual(await claim(store, "b"), []);
    await advance(0.001);
    assert.deepEqual(ids(await claim(store, "c")), [record?.id]);
  });

  law("a record becomes due when the store's time comes to it", async ({ store, advance }) => {
    const [record] = await insertAll(store, [{ dueAt: after(await store.now(), 10) }]);
    await advance(9.999);
    assert.deepEqual(await claim(store, "a"), []);
    await advance(0.001);
    assert.deepEqual(ids(await claim(store, "b")), [record?.id]);
  });

  law("a caller that held a record before the claim can no longer write it", async ({ store }) => {
    const [record] = await insertAll(store, [{ dueAt: after(await store.now(), -1) }]);
    assert.ok(record !== undefined);
    const [claimed] = await claim(store, "a");
    assert.ok(claimed !== undefined);
    assert.equal(await replace(store, next(record)), false);
    assert.equal(
      await replace(store, next(claimed.record, { dueAt: null, lease: null, leaseUntil: null })),
      true,
    );
    assert.deepEqual(await claim(store, "b"), []);
  });

  law("a record whose time was moved is claimed at the new time, once", async ({ store, advance }) => {
    const now = await store.now();
    const [record] = await insertAll(store, [{ dueAt: after(now, -1) }]);
    assert.ok(record !== undefined);
    const moves = [30, -1, 30, -1, 5];
    let moved: ComputeRecord = record;
    for (const seconds of moves) {
      moved = next(moved, { dueAt: after(now, seconds) });
      assert.equal(await replace(store, moved), true);
    }
    assert.deepEqual(await claim(store, "a"), []);
    await advance(5);
    assert.deepEqual(ids(await claim(store, "b")), [record.id]);
    assert.deepEqual(await claim(store, "c"), []);
  });
}

function concurrencyLaws(law: Law): void {
  law("a due record of another namespace is not claimed", async ({ store }) => {
    await insertAll(store, [{ namespace: "other", dueAt: after(await store.now(), -1) }]);
    assert.deepEqual(await claim(store, "a"), []);
  });

  law("claims at once never share a record, and together get every record", async (subject) => {
    const now = await subject.store.now();
    const records = await insertAll(
      subject.store,
      Array.from({ length: 60 }, (_, index) => ({ dueAt: after(now, -index) })),
    );
    const claimed = values(await atOnce(subject, 20, (store, index) => claim(store, `claim-${index}`, 5)));
    const found = claimed.flatMap(ids);
    assert.equal(new Set(found).size, found.length);
    found.push(...(await drain(subject.store)));
    assert.equal(found.length, records.length);
    assert.deepEqual(new Set(found), new Set(records.map((record) => record.id)));
  });
}

/** Claims until nothing is left: concurrent claims may have skipped records that another claim had locked. */
async function drain(store: Store): Promise<string[]> {
  const found = ids(await claim(store, "drain", 1000));
  assert.deepEqual(await claim(store, "empty"), []);
  return found;
}

function after(now: Date, seconds: number): Date {
  return new Date(now.getTime() + seconds * 1000);
}

function secondsFrom(now: Date, { record }: Snapshot): number {
  return ((record.dueAt?.getTime() ?? Number.NaN) - now.getTime()) / 1000;
}

function ids(snapshots: readonly Snapshot[]): string[] {
  return snapshots.map((snapshot) => snapshot.record.id);
}
