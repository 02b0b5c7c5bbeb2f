/** Laws of a store of clients. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { ClientRecord, ClientStore } from "../../tenant-store.ts";
import type { Store } from "../../store.ts";
import { insert, longAgo, namespace, newId, newRecord, next, replace, values } from "./harness.ts";

/** A store that remembers clients too. */
export type StoreWithClients = Store & ClientStore;

/** An empty store of clients, and what a law may do to the world around it. */
export interface ClientStoreUnderTest {
  readonly store: StoreWithClients;
  /** Another store on the same data, as another process would have it. Absent where there can be no other. */
  second?(): Promise<StoreWithClients>;
  /** Moves the store's time on; by itself it stands still. */
  advance(seconds: number): void | Promise<void>;
  /** Closes every store that was handed out. */
  close(): Promise<void>;
}

/** States one law: `body` runs on a fresh store. */
export type ClientLaw = (name: string, body: (subject: ClientStoreUnderTest) => Promise<void>) => void;

/** A client with a new id and name, and without credentials. */
function newClient(facts: Partial<ClientRecord> = {}): ClientRecord {
  const id = facts.id ?? newId();
  return { ...blank, id, name: `client-${id}`, ...facts };
}

const blank: Omit<ClientRecord, "id" | "name"> = {
  namespace,
  version: 1,
  credentials: [],
  providerKeys: {},
  createdAt: longAgo,
  lastUsedAt: null,
};

function nextClient(client: ClientRecord, facts: Partial<ClientRecord> = {}): ClientRecord {
  return { ...client, ...facts, version: client.version + 1 };
}

/** Runs the call `count` times at once, from both ends in turn where there are two. */
async function atOnce<Result>(
  { store, second }: ClientStoreUnderTest,
  count: number,
  call: (store: StoreWithClients, index: number) => Promise<Result>,
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
const clientFacts = fc.record(
  {
    name: text,
    credentials: fc.uniqueArray(credential, { maxLength: 4, selector: ({ hash }) => hash }),
    providerKeys: fc.dictionary(text, text, { noNullPrototype: true, maxKeys: 3 }),
    createdAt: date,
    lastUsedAt: fc.option(date),
  },
  { noNullPrototype: true },
);

/** States every law of clients. */
export function clientLaws(law: ClientLaw): void {
  law(
    "a client is read exactly as it was written, inserted or replaced, by id and by name",
    async ({ store }) => {
      let run = 0;
      const property = fc.asyncProperty(clientFacts, clientFacts, async (first, second) => {
        run += 1;
        const client = newClient({ ...first, namespace: `run${run}` });
        assert.equal(await store.insertClient(client), true);
        assert.deepEqual((await store.getClient(client.namespace, client.id))?.client, client);
        const replaced = nextClient(client, second);
        assert.equal(await store.replaceClient(replaced), true);
        assert.deepEqual((await store.getClientByName(replaced.namespace, replaced.name))?.client, replaced);
        assert.deepEqual(await store.listClients(replaced.namespace), [replaced]);
      });
      await fc.assert(property, { numRuns: 50 });
    },
  );

  law(
    "of a client whose id or name is taken nothing is written; another namespace has its own",
    async ({ store }) => {
      const client = newClient({ name: "acme" });
      assert.equal(await store.insertClient(client), true);
      assert.equal(await store.insertClient(newClient({ name: "acme", credentials: [of("h1")] })), false);
      assert.equal(await store.insertClient({ ...client, name: "other" }), false);
      assert.equal(await store.insertClient({ ...client, namespace: "elsewhere" }), true);
      assert.deepEqual(await store.listClients(namespace), [client]);
      assert.equal(await store.getClientByHash(namespace, "h1"), undefined);
    },
  );

  law("of twenty clients of one name at once one is written", async (subject) => {
    const inserted = await atOnce(subject, 20, (store) => store.insertClient(newClient({ name: "acme" })));
    assert.equal(inserted.filter(Boolean).length, 1);
    assert.equal((await subject.store.listClients(namespace)).length, 1);
  });

  law("of twenty replaces of one version at once one wins", async (subject) => {
    const client = newClient();
    await subject.store.insertClient(client);
    const results = await atOnce(subject, 20, (store, index) =>
      store.replaceClient(nextClient(client, { credentials: [of(`h${index}`)] })),
    );
    assert.equal(results.filter(Boolean).length, 1);
    const winner = `h${results.indexOf(true)}`;
    for (const [index] of results.entries()) {
      const found = await subject.store.getClientByHash(namespace, `h${index}`);
      assert.equal(found?.client.id, `h${index}` === winner ? client.id : undefined);
    }
  });

  law("replace of another version, or of no client, is false and writes nothing", async ({ store }) => {
    const client = newClient({ version: 5, credentials: [of("h1")] });
    await store.insertClient(client);
    for (const version of [1, 4, 5, 7])
      assert.equal(await store.replaceClient({ ...client, version, credentials: [] }), false);
    assert.equal(await store.replaceClient(nextClient(newClient({ credentials: [of("h2")] }))), false);
    assert.equal(await store.replaceClient(nextClient({ ...client, namespace: "elsewhere" })), false);
    assert.deepEqual((await store.getClientByHash(namespace, "h1"))?.client, client);
    assert.equal(await store.getClientByHash(namespace, "h2"), undefined);
  });

  law(
    "a credential finds its client until it expires or is taken away, and in its namespace only",
    async (subject) => {
      const { store, advance } = subject;
      const now = await store.now();
      const client = newClient({ credentials: [of("new"), of("old", new Date(now.getTime() + 60_000))] });
      await store.insertClient(client);
      const holder = async (hash: string, where = namespace): Promise<string | undefined> =>
        (await store.getClientByHash(where, hash))?.client.id;
      assert.deepEqual(await Promise.all(["new", "old", "none"].map((hash) => holder(hash))), [
        client.id,
        client.id,
        undefined,
      ]);
      assert.equal(await holder("new", "elsewhere"), undefined);
      await advance(60);
      assert.equal(await holder("old"), undefined);
      assert.equal(await holder("new"), client.id);
      await store.replaceClient(nextClient(client));
      assert.equal(await holder("new"), client.id);
      await store.replaceClient({ ...client, version: 3, credentials: [] });
      assert.equal(await holder("new"), undefined);
    },
  );

  law("a snapshot tells the store's time", async ({ store }) => {
    const client = newClient({ name: "acme", credentials: [of("h1")] });
    await store.insertClient(client);
    const expected = { client, now: await store.now() };
    assert.deepEqual(await store.getClient(namespace, client.id), expected);
    assert.deepEqual(await store.getClientByName(namespace, "acme"), expected);
    assert.deepEqual(await store.getClientByHash(namespace, "h1"), expected);
  });

  law("clients are listed by name, all of them, of their namespace only", async ({ store }) => {
    const names = ["b", "a-1", "B", "a", "é", "10", "9"];
    for (const name of names) await store.insertClient(newClient({ name }));
    await store.insertClient(newClient({ namespace: "elsewhere", name: "c" }));
    const listed = (await store.listClients(namespace)).map(({ name }) => name);
    assert.deepEqual(listed, ["10", "9", "B", "a", "a-1", "b", "é"]);
    for (let index = 0; index < 150; index += 1) await store.insertClient(newClient());
    assert.equal((await store.listClients(namespace)).length, names.length + 150);
  });

  law("what callers hold is not what is stored", async ({ store }) => {
    const given = newClient({ providerKeys: { fly: "enc:v1:1" }, credentials: [of("h1", new Date(9e12))] });
    const kept = structuredClone(given);
    await store.insertClient(given);
    Object.assign(given.providerKeys, { fly: "enc:v1:2" });
    given.credentials[0]?.expiresAt?.setTime(0);
    const read = await store.getClient(namespace, given.id);
    assert.deepEqual(read?.client, kept);
    Object.assign(read?.client.providerKeys ?? {}, { fly: "enc:v1:3" });
    assert.deepEqual((await store.listClients(namespace))[0], kept);
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

function of(hash: string, expiresAt: Date | null = null): ClientRecord["credentials"][number] {
  return { hash, expiresAt };
}
