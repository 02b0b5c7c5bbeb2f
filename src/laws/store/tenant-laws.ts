/** Laws of a store of tenants. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Store } from "../../store.ts";
import type { TenantRecord, TenantStore } from "../../tenant-store.ts";
import { insert, longAgo, namespace, newId, newRecord, next, replace, values } from "./harness.ts";

/** A store that also keeps tenants. */
export type StoreWithTenants = Store & TenantStore;

/** An empty store of tenants, and the ways in which a law may change the world around it. */
export interface TenantStoreUnderTest {
  readonly store: StoreWithTenants;
  /** Another store on the same data, as another process would have it. Absent where there can be no other. */
  second?(): Promise<StoreWithTenants>;
  /** Moves the store's time on; by itself it stands still. */
  advance(seconds: number): void | Promise<void>;
  /** Closes every store that was handed out. */
  close(): Promise<void>;
}

/** States one law: `body` runs on a fresh store. */
export type TenantLaw = (name: string, body: (subject: TenantStoreUnderTest) => Promise<void>) => void;

/** A tenant with a new id and name, and without credentials. */
function newTenant(facts: Partial<TenantRecord> = {}): TenantRecord {
  const id = facts.id ?? newId();
  return { ...blank, id, name: `tenant-${id}`, ...facts };
}

const blank: Omit<TenantRecord, "id" | "name"> = {
  namespace,
  version: 1,
  credentials: [],
  providerKeys: {},
  createdAt: longAgo,
  lastUsedAt: null,
};

function nextTenant(tenant: TenantRecord, facts: Partial<TenantRecord> = {}): TenantRecord {
  return { ...tenant, ...facts, version: tenant.version + 1 };
}

/** Runs the call `count` times at once, from both ends in turn where there are two. */
async function atOnce<Result>(
  { store, second }: TenantStoreUnderTest,
  count: number,
  call: (store: StoreWithTenants, index: number) => Promise<Result>,
): Promise<Result[]> {
  const other = (await second?.()) ?? store;
  const calls = Array.from({ length: count }, (_, index) => call(index % 2 === 0 ? store : other, index));
  const results = await Promise.allSettled(calls);
  assert.equal(values(results).length, count);
  return values(results);
}

const text = fc.string({ unit: "binary" }).map((value) => value.replaceAll("\0", "0"));
const date = fc.date({ min: new Date(0), max: new Date("2199-12-31T23:59:59.999Z"), noInvalidDate: true });
const credential = fc.record(
  {
    hash: fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 64, maxLength: 64 }),
    expiresAt: fc.option(date),
  },
  { noNullPrototype: true },
);
const tenantFacts = fc.record(
  {
    name: text,
    credentials: fc.uniqueArray(credential, { maxLength: 4, selector: ({ hash }) => hash }),
    providerKeys: fc.dictionary(text, text, { noNullPrototype: true, maxKeys: 3 }),
    createdAt: date,
    lastUsedAt: fc.option(date),
  },
  { noNullPrototype: true },
);

/** States every law of tenants. */
export function tenantLaws(law: TenantLaw): void {
  writeLaws(law);
  conflictLaws(law);
  lookupLaws(law);
  tokenLaws(law);
}

function writeLaws(law: TenantLaw): void {
  law(
    "a tenant is read exactly as it was written, inserted or replaced, by id and by name",
    async ({ store }) => {
      let run = 0;
      const property = fc.asyncProperty(tenantFacts, tenantFacts, async (first, second) => {
        run += 1;
        const tenant = newTenant({ ...first, namespace: `run${run}` });
        assert.equal(await store.insertTenant(tenant), true);
        assert.deepEqual((await store.getTenant(tenant.namespace, tenant.id))?.tenant, tenant);
        const replaced = nextTenant(tenant, second);
        assert.equal(await store.replaceTenant(replaced), true);
        assert.deepEqual((await store.getTenantByName(replaced.namespace, replaced.name))?.tenant, replaced);
        assert.deepEqual(await store.listTenants(replaced.namespace), [replaced]);
      });
      await fc.assert(property, { numRuns: 50 });
    },
  );

  law(
    "a tenant whose id or name is taken is not written; another namespace has its own names",
    async ({ store }) => {
      const tenant = newTenant({ name: "acme" });
      assert.equal(await store.insertTenant(tenant), true);
      assert.equal(await store.insertTenant(newTenant({ name: "acme", credentials: [of("h1")] })), false);
      assert.equal(await store.insertTenant({ ...tenant, name: "other" }), false);
      assert.equal(await store.insertTenant({ ...tenant, namespace: "elsewhere" }), true);
      assert.deepEqual(await store.listTenants(namespace), [tenant]);
      assert.equal(await store.getTenantByHash(namespace, "h1"), undefined);
    },
  );
}

function conflictLaws(law: TenantLaw): void {
  law("of twenty tenants of one name at once one is written", async (subject) => {
    const inserted = await atOnce(subject, 20, (store) => store.insertTenant(newTenant({ name: "acme" })));
    assert.equal(inserted.filter(Boolean).length, 1);
    assert.equal((await subject.store.listTenants(namespace)).length, 1);
  });

  law("of twenty replaces of one version at once one wins", async (subject) => {
    const tenant = newTenant();
    await subject.store.insertTenant(tenant);
    const results = await atOnce(subject, 20, (store, index) =>
      store.replaceTenant(nextTenant(tenant, { credentials: [of(`h${index}`)] })),
    );
    assert.equal(results.filter(Boolean).length, 1);
    const winner = `h${results.indexOf(true)}`;
    for (const [index] of results.entries()) {
      const found = await subject.store.getTenantByHash(namespace, `h${index}`);
      assert.equal(found?.tenant.id, `h${index}` === winner ? tenant.id : undefined);
    }
  });

  law("replace of another version, or of no tenant, is false and writes nothing", async ({ store }) => {
    const tenant = newTenant({ version: 5, credentials: [of("h1")] });
    await store.insertTenant(tenant);
    for (const version of [1, 4, 5, 7])
      assert.equal(await store.replaceTenant({ ...tenant, version, credentials: [] }), false);
    assert.equal(await store.replaceTenant(nextTenant(newTenant({ credentials: [of("h2")] }))), false);
    assert.equal(await store.replaceTenant(nextTenant({ ...tenant, namespace: "elsewhere" })), false);
    assert.deepEqual((await store.getTenantByHash(namespace, "h1"))?.tenant, tenant);
    assert.equal(await store.getTenantByHash(namespace, "h2"), undefined);
  });
}

function lookupLaws(law: TenantLaw): void {
  law(
    "a credential finds its tenant until it expires or is taken away, and in its namespace only",
    async (subject) => {
      const { store, advance } = subject;
      const now = await store.now();
      const tenant = newTenant({ credentials: [of("new"), of("old", new Date(now.getTime() + 60_000))] });
      await store.insertTenant(tenant);
      const holder = async (hash: string, where = namespace): Promise<string | undefined> =>
        (await store.getTenantByHash(where, hash))?.tenant.id;
      assert.deepEqual(await Promise.all(["new", "old", "none"].map((hash) => holder(hash))), [
        tenant.id,
        tenant.id,
        undefined,
      ]);
      assert.equal(await holder("new", "elsewhere"), undefined);
      await advance(60);
      assert.equal(await holder("old"), undefined);
      assert.equal(await holder("new"), tenant.id);
      await store.replaceTenant(nextTenant(tenant));
      assert.equal(await holder("new"), tenant.id);
      await store.replaceTenant({ ...tenant, version: 3, credentials: [] });
      assert.equal(await holder("new"), undefined);
    },
  );

  law("a snapshot tells the store's time", async ({ store }) => {
    const tenant = newTenant({ name: "acme", credentials: [of("h1")] });
    await store.insertTenant(tenant);
    const expected = { tenant, now: await store.now() };
    assert.deepEqual(await store.getTenant(namespace, tenant.id), expected);
    assert.deepEqual(await store.getTenantByName(namespace, "acme"), expected);
    assert.deepEqual(await store.getTenantByHash(namespace, "h1"), expected);
  });

  law("tenants are listed by name, all of them, of their namespace only", async ({ store }) => {
    const names = ["b", "a-1", "B", "a", "é", "10", "9"];
    for (const name of names) await store.insertTenant(newTenant({ name }));
    await store.insertTenant(newTenant({ namespace: "elsewhere", name: "c" }));
    const listed = (await store.listTenants(namespace)).map(({ name }) => name);
    assert.deepEqual(listed, ["10", "9", "B", "a", "a-1", "b", "é"]);
    for (let index = 0; index < 150; index += 1) await store.insertTenant(newTenant());
    assert.equal((await store.listTenants(namespace)).length, names.length + 150);
  });
}

function tokenLaws(law: TenantLaw): void {
  law("a change of a caller's object does not change the stored one", async ({ store }) => {
    const given = newTenant({ providerKeys: { fly: "enc:v1:1" }, credentials: [of("h1", new Date(9e12))] });
    const kept = structuredClone(given);
    await store.insertTenant(given);
    Object.assign(given.providerKeys, { fly: "enc:v1:2" });
    given.credentials[0]?.expiresAt?.setTime(0);
    const read = await store.getTenant(namespace, given.id);
    assert.deepEqual(read?.tenant, kept);
    Object.assign(read?.tenant.providerKeys ?? {}, { fly: "enc:v1:3" });
    assert.deepEqual((await store.listTenants(namespace))[0], kept);
  });

  law(
    "a token leads to the namespace of its compute, of its user and of its pod, while the record has it",
    async ({ store }) => {
      const tokens = [
        { hash: "u1", kind: "user" as const, expiresAt: longAgo },
        { hash: "p1", kind: "pod" as const, expiresAt: null },
      ];
      const record = newRecord({ namespace: "theirs", tokens });
      await insert(store, record);
      assert.equal(await store.namespaceOfToken("u1"), "theirs");
      assert.equal(await store.namespaceOfToken("p1"), "theirs");
      assert.equal(await store.namespaceOfToken("none"), undefined);
      await replace(store, next(record, { tokens: [] }));
      assert.equal(await store.namespaceOfToken("u1"), undefined);
    },
  );
}

function of(hash: string, expiresAt: Date | null = null): TenantRecord["credentials"][number] {
  return { hash, expiresAt };
}
