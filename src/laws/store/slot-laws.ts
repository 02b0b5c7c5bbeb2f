/** Laws of slots: of the live computes of a user at most one holds each, with any number of callers at once. */
import assert from "node:assert/strict";
import { isAtlasError } from "../../errors.ts";
import { type ComputeStatus, liveStatuses, type SlotKey } from "../../store.ts";
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
  next,
  replace,
} from "./harness.ts";

const key: SlotKey = { namespace, tenantId: null, userId: "u", slot: "default" };
const held = { userId: "u", slot: "default" } as const;
const ended: readonly ComputeStatus[] = ["terminated", "failed"];

export const slotLaws: Laws = (law) => {
  holderLaws(law);
  raceLaws(law);
  returnLaws(law);
};

function holderLaws(law: Law): void {
  law("a slot finds the live record that holds it, and the store's time", async ({ store }) => {
    for (const status of liveStatuses) {
      const [record] = await insertAll(store, [{ ...held, status }]);
      assert.ok(record !== undefined);
      assert.deepEqual(await store.getBySlot(key), { record, now: await store.now() });
      assert.equal(await replace(store, next(record, { status: "terminated" })), true);
      assert.equal(await store.getBySlot(key), undefined);
    }
  });

  law("a held slot is a CONFLICT that names its holder, and nothing is written", async ({ store }) => {
    const [holder] = await insertAll(store, [held]);
    await assert.rejects(insert(store, newRecord(held), { computesPerUser: 1 }), (error) => {
      assert.ok(isAtlasError(error));
      assert.equal(error.computeId, holder?.id);
      assert.deepEqual(error.details, { slot: "default" });
      return error.code === "CONFLICT";
    });
    assert.deepEqual(await all(store), [holder]);
    assert.equal((await allEvents(store)).length, 1);
  });

  law("a known idempotency key is answered before its slot is judged", async ({ store }) => {
    const [first] = await insertAll(store, [{ ...held, idempotencyKey: "k" }]);
    assert.deepEqual(await insert(store, newRecord({ ...held, idempotencyKey: "k" })), first);
  });

  law(
    "ended records hold nothing, and another user, tenant, slot or namespace is apart",
    async ({ store }) => {
      await insertAll(store, [
        ...ended.map((status) => ({ ...held, status })),
        held,
        { ...held, userId: "v" },
        { ...held, tenantId: "t" },
        { ...held, slot: "second" },
        { ...held, namespace: "other" },
        { userId: "u" },
        { userId: "u" },
      ]);
      const ofTenant = await store.getBySlot({ ...key, tenantId: "t" });
      assert.equal(ofTenant?.record.tenantId, "t");
      assert.equal((await store.getBySlot(key))?.record.tenantId, null);
      assert.equal((await all(store, { slot: "second" })).length, 1);
    },
  );
}

function raceLaws(law: Law): void {
  law("of many inserts into one slot at once exactly one is added", async (subject) => {
    const results = await atOnce(subject, 60, (store) => insert(store, newRecord(held)));
    assert.deepEqual(
      errorCodes(results),
      Array.from({ length: 59 }, () => "CONFLICT"),
    );
    assert.equal((await all(subject.store)).length, 1);
    assert.equal((await allEvents(subject.store)).length, 1);
  });

  law(
    "of many inserts into one slot under a limit at once one is added, and none breaks the limit",
    async (subject) => {
      const results = await atOnce(subject, 60, (store) =>
        insert(store, newRecord(held), { computesPerUser: 1 }),
      );
      assert.deepEqual(
        errorCodes(results),
        Array.from({ length: 59 }, () => "CONFLICT"),
      );
    },
  );

  law("of many ended records that come back at once one gets the slot", async (subject) => {
    const records = await insertAll(
      subject.store,
      Array.from({ length: 20 }, () => ({ ...held, status: "terminated" as const })),
    );
    const results = await atOnce(subject, 20, async (store, index) => {
      const record = records[index];
      assert.ok(record !== undefined);
      return replace(store, next(record, { status: "running" }));
    });
    assert.deepEqual(
      errorCodes(results),
      Array.from({ length: 19 }, () => "CONFLICT"),
    );
    assert.equal((await all(subject.store, { statuses: liveStatuses })).length, 1);
  });
}

function returnLaws(law: Law): void {
  law(
    "a record that comes back to a held slot is a CONFLICT, with and without an event",
    async ({ store }) => {
      const [gone, holder] = await insertAll(store, [{ ...held, status: "terminated" }, held]);
      assert.ok(gone !== undefined && holder !== undefined);
      const back = next(gone, { status: "running" });
      for (const write of [() => replace(store, back), () => store.replace(back, undefined)])
        await assert.rejects(write, (error) => codeOf(error) === "CONFLICT");
      assert.deepEqual((await store.get(namespace, gone.id))?.record, gone);
      assert.equal(await replace(store, next(gone, { status: "running", slot: null })), true);
      assert.equal(await replace(store, next(holder, { status: "stopped" })), true);
      assert.equal(await store.replace(next(next(holder), { attempts: 3 }), undefined), true);
      assert.equal(await store.replace(next(holder), undefined), false);
    },
  );
}
