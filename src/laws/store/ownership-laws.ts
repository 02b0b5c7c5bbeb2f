/** Laws of ownership: a store belongs to the deployment that spawned first, and a process of another one changes nothing. */
import assert from "node:assert/strict";
import { isAtlasError } from "../../errors.ts";
import { ACCOUNT_NOTE, isNotOwned, liveStatuses, type Store } from "../../store.ts";
import {
  all,
  allEvents,
  bothEnds,
  claim,
  eventOf,
  insert,
  insertAll,
  type Law,
  type Laws,
  namespace,
  newRecord,
  next,
  replace,
} from "./harness.ts";

export const ownershipLaws: Laws = (law) => {
  stampLaws(law);
  adoptionLaws(law);
  accountLaws(law);
  copyLaws(law);
};

function stampLaws(law: Law): void {
  law("a process of another deployment reads, and neither inserts, replaces nor claims", async (subject) => {
    const [one, two] = await bothEnds(subject);
    const production = one.forDeployment("production");
    const preview = two.forDeployment("preview");
    const dueAt = new Date((await one.now()).getTime() - 1000);
    const [record] = await insertAll(production, [{ dueAt }]);
    assert.ok(record !== undefined);
    await refused(preview.requireOwnership());
    await refused(insert(preview, newRecord()));
    await refused(replace(preview, next(record)));
    await refused(preview.replace(next(record), undefined));
    await refused(preview.replace(next(record), undefined, { before: record }));
    await refused(claim(preview, "preview"));
    assert.deepEqual(await all(preview), [record]);
    assert.equal((await allEvents(production)).length, 1);
    await production.requireOwnership();
    assert.equal((await claim(production, "production")).length, 1);
  });

  law(
    "only an insert stamps the deployment: reading, claiming and replacing leave the store open",
    async ({ store }) => {
      const [record] = await insertAll(store, [{}]);
      assert.ok(record !== undefined);
      const preview = store.forDeployment("preview");
      assert.deepEqual(await claim(preview, "preview"), []);
      assert.equal(await replace(preview, next(record)), true);
      await preview.requireOwnership();
      await insertAll(store.forDeployment("production"), [{}]);
      await refused(preview.requireOwnership());
    },
  );

  law("the error names both deployments", async ({ store }) => {
    await insertAll(store.forDeployment("production"), [{}]);
    await assert.rejects(
      store.forDeployment("preview").requireOwnership(),
      /"production".*"preview".*adopt/s,
    );
  });
}

function adoptionLaws(law: Law): void {
  law("a store that moved keeps its identity and its records", async ({ store }) => {
    const records = await insertAll(store.forDeployment("old"), [{}, { status: "terminated" }]);
    const identity = await store.identity();
    const moved = store.forDeployment("new");
    assert.equal(await moved.adopt("moved"), 0);
    assert.equal(await moved.identity(), identity);
    assert.deepEqual(new Set(await all(moved)), new Set(records));
    await insertAll(moved, [{}]);
    await refused(store.forDeployment("old").requireOwnership());
  });
}

function accountLaws(law: Law): void {
  for (const as of ["moved", "copy"] as const)
    law(`an adoption (${as}) forgets the accounts, and no other note`, async ({ store }) => {
      const note = { namespace, seconds: 1_000_000 };
      const account = { ...note, name: `${ACCOUNT_NOTE}runpod` };
      await store.remember({ ...account, value: "one" });
      await store.remember({ ...note, name: "another account", value: "one" });
      assert.equal(await store.remember({ ...account, value: "two" }), "one");
      await store.forDeployment("production").adopt(as);
      const owner = store.forDeployment("production");
      assert.equal(await owner.remember({ ...account, value: "two" }), "two");
      assert.equal(await owner.remember({ ...note, name: "another account", value: "two" }), "one");
    });
}

function copyLaws(law: Law): void {
  law(
    "a copy gets a new identity, and every live record ends as abandoned, with an event",
    async ({ store }) => {
      const now = await store.now();
      const live = {
        dueAt: now,
        checkAt: now,
        idleDeadline: now,
        lease: "x",
        leaseUntil: now,
        costSince: now,
      };
      const records = await insertAll(store.forDeployment("production"), [
        ...liveStatuses.map((status) => ({ ...live, status })),
        { status: "failed" },
        { ...live, namespace: "other" },
      ]);
      const identity = await store.identity();
      const copy = store.forDeployment("preview");
      assert.equal(await copy.adopt("copy"), liveStatuses.length + 1);
      assert.notEqual(await copy.identity(), identity);
      const nothing = {
        bootDeadline: null,
        idleDeadline: null,
        lifetimeDeadline: null,
        checkAt: null,
        dueAt: null,
      };
      const [first] = records;
      assert.ok(first !== undefined);
      const expected = next(first, {
        ...nothing,
        ...{ status: "terminated", reason: "abandoned", endedAt: now, updatedAt: now, costSince: null },
        ...{ lease: null, leaseUntil: null },
      });
      assert.deepEqual((await copy.get(namespace, first.id))?.record, expected);
      const events = (await allEvents(copy, first.id)).map(({ status, reason, type }) => ({
        status,
        reason,
        type,
      }));
      assert.deepEqual(events.at(-1), { type: "state", status: "terminated", reason: "abandoned" });
      assert.equal((await all(copy, { statuses: liveStatuses })).length, 0);
      assert.equal((await copy.list({ namespace: "other", statuses: liveStatuses }, { limit: 9 })).length, 0);
      assert.deepEqual(await claim(copy, "preview"), []);
      await assertWrites(copy);
    },
  );
}

async function assertWrites(store: Store): Promise<void> {
  const record = newRecord();
  assert.equal(await store.insert(record, eventOf(record), {}), undefined);
}

async function refused(call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => isAtlasError(error) && isNotOwned(error));
}
