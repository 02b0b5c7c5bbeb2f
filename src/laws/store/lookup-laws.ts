/** Laws of reading: one record, by token, by key, and lists. */
import assert from "node:assert/strict";
import { defined } from "../../internal/defined.ts";
import type { ComputeRecord, RecordFilter, Store, TokenHash } from "../../store.ts";
import {
  all,
  insertAll,
  type Law,
  type Laws,
  longAgo,
  namespace,
  newRecord,
  next,
  replace,
} from "./harness.ts";
import { passes } from "./model-store.ts";

const hash = "ab".repeat(32);

export const lookupLaws: Laws = (law) => {
  recordLaws(law);
  tokenLaws(law);
  listLaws(law);
  filterLaws(law);
};

function recordLaws(law: Law): void {
  law("a lookup of a missing record is undefined", async ({ store }) => {
    await insertAll(store, [{ namespace: "other", id: "x", idempotencyKey: "k", tokens: [user(hash)] }]);
    assert.equal(await store.get(namespace, "x"), undefined);
    assert.equal(await store.getByIdempotencyKey(namespace, "k"), undefined);
    assert.equal(await store.getByTokenHash(namespace, hash, "user"), undefined);
    assert.deepEqual(await all(store), []);
  });

  law("a key finds its record, and the store's time", async ({ store }) => {
    const [record] = await insertAll(store, [{ idempotencyKey: "k" }, { idempotencyKey: "K" }]);
    const now = await store.now();
    assert.deepEqual(await store.getByIdempotencyKey(namespace, "k"), { record, now });
  });
}

function tokenLaws(law: Law): void {
  law("a token opens only as its own kind", async ({ store }) => {
    const other = "cd".repeat(32);
    const [first, second] = await insertAll(store, [
      { tokens: [user(hash), { hash: other, kind: "pod", expiresAt: null }] },
      { tokens: [user("ef".repeat(32))], status: "terminated" },
    ]);
    const now = await store.now();
    assert.deepEqual(await store.getByTokenHash(namespace, hash, "user"), { record: first, now });
    assert.deepEqual(await store.getByTokenHash(namespace, other, "pod"), { record: first, now });
    assert.deepEqual(await store.getByTokenHash(namespace, "ef".repeat(32), "user"), { record: second, now });
    assert.equal(await store.getByTokenHash(namespace, hash, "pod"), undefined);
    assert.equal(await store.getByTokenHash(namespace, other, "user"), undefined);
  });

  law("a token opens until it expires, by the store's time", async ({ store, advance }) => {
    const now = await store.now();
    await insertAll(store, [{ tokens: [user(hash, new Date(now.getTime() + 10_000))] }]);
    assert.ok(await store.getByTokenHash(namespace, hash, "user"));
    await advance(9.999);
    assert.ok(await store.getByTokenHash(namespace, hash, "user"));
    await advance(0.001);
    assert.equal(await store.getByTokenHash(namespace, hash, "user"), undefined);
  });

  law("a replaced record accepts its new tokens and not its old ones", async ({ store }) => {
    const [record] = await insertAll(store, [{ tokens: [user("11"), user("22")] }]);
    assert.ok(record !== undefined);
    const now = await store.now();
    assert.equal(await replace(store, next(record, { tokens: [user("22", now), user("33")] })), true);
    const opens = async (token: string): Promise<boolean> =>
      (await store.getByTokenHash(namespace, token, "user")) !== undefined;
    assert.deepEqual([await opens("11"), await opens("22"), await opens("33")], [false, false, true]);
  });
}

function listLaws(law: Law): void {
  law("list gives newest first, and of one moment the greater id first", async ({ store }) => {
    const ids = ["b", "d", "a", "c"];
    const same = await insertAll(
      store,
      ids.map((id) => ({ id })),
    );
    const [newer, older] = await insertAll(store, [
      { id: "0", createdAt: new Date(longAgo.getTime() + 1) },
      { id: "z", createdAt: new Date(longAgo.getTime() - 1) },
    ]);
    const sorted = same.sort((left, right) => (left.id < right.id ? 1 : -1));
    assert.deepEqual(await all(store), [newer, ...sorted, older]);
  });

  law("pages of equally old records neither skip nor double", async ({ store }) => {
    await insertAll(
      store,
      Array.from({ length: 23 }, (_, index) => ({ createdAt: new Date(longAgo.getTime() + (index % 3)) })),
    );
    for (const limit of [1, 4, 23, 50]) assert.deepEqual(await paged(store, limit), await all(store));
  });
}

function filterLaws(law: Law): void {
  law("every filter lets through exactly its matches, alone and together", async ({ store }) => {
    const records = await insertAll(
      store,
      [...Array(16).keys()].map((bits) => ({
        userId: bits & 1 ? "u" : null,
        tenantId: bits & 2 ? "c" : "d",
        provider: bits & 4 ? "fly" : "runpod",
        status: bits & 8 ? "running" : "failed",
      })),
    );
    const names = records.slice(3, 9).map((record) => record.name);
    const filters: readonly Partial<RecordFilter>[] = [
      { userId: "u" },
      { tenantId: "c" },
      { provider: "fly" },
      { statuses: ["running"] },
      { statuses: ["running", "failed", "stopped"] },
      { statuses: [] },
      { names },
      { names: [...names, ...names, "atlas-laws-missing"] },
      { names: [] },
      { search: "atlas-laws-" },
      { search: names[0]?.slice(4) ?? "" },
      { search: "u", statuses: ["running"] },
      { search: "U" },
      { userId: "u", tenantId: "d", provider: "fly", statuses: ["failed", "running"], names },
    ];
    for (const filter of filters) {
      const expected = records.filter((record) => passes(record, filter)).map((record) => record.id);
      const found = (await all(store, filter)).map((record) => record.id);
      assert.equal(found.length, expected.length, JSON.stringify(filter));
      assert.deepEqual(new Set(found), new Set(expected), JSON.stringify(filter));
    }
    assert.deepEqual(await all(store, { userId: "u", namespace: "other" }), []);
  });

  law("text from outside is never part of a query", async ({ store }) => {
    const nasty = `'; drop table "x"; -- $1 ? % _ \\ ${"é".repeat(40)}`;
    const [record] = await insertAll(store, [
      { userId: nasty, idempotencyKey: nasty, metadata: { [nasty]: nasty } },
      { userId: "u" },
    ]);
    assert.deepEqual(await all(store, { userId: nasty }), [record]);
    assert.deepEqual(await all(store, { search: nasty.slice(3) }), [record]);
    assert.deepEqual(await all(store, { search: "%" }), [record]);
    assert.deepEqual((await store.getByIdempotencyKey(namespace, nasty))?.record, record);
    assert.equal((await all(store)).length, 2);
    assert.equal(await replace(store, next(newRecord({ id: nasty }))), false);
  });
}

function user(token: string, expiresAt: Date | null = null): TokenHash {
  return { hash: token, kind: "user", expiresAt };
}

async function paged(store: Store, limit: number): Promise<ComputeRecord[]> {
  const found: ComputeRecord[] = [];
  for (;;) {
    const last = found.at(-1);
    const page = await store.list({ namespace }, defined({ limit, after: last }));
    assert.ok(page.length <= limit);
    if (page.length === 0) return found;
    found.push(...page);
    assert.ok(found.length <= 1000, "the same records come again and again");
  }
}
