import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import {
  all,
  allEvents,
  claim,
  eventOf,
  insert,
  namespace,
  newRecord,
  next,
} from "../../src/laws/store/harness.ts";
import { storeLaws } from "../../src/laws/store-laws.ts";
import { type TenantStoreUnderTest, tenantStoreLaws } from "../../src/laws/tenant-store-laws.ts";
import type { Store } from "../../src/store.ts";
import { type PostgresStore, postgresStore, type Queryable } from "../../src/stores/postgres/index.ts";
import { postgresMigrations } from "../../src/stores/postgres/schema.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.ts";
import { twoHandles } from "./two-handles.ts";

let server: PostgresServer;
let first: pg.Pool;
let second: pg.Pool;
let schemas = 0;

beforeAll(async () => {
  server = await startPostgres();
  first = server.pool();
  second = server.pool();
}, 60_000);

afterAll(() => server.stop());

function newSchema(): string {
  schemas += 1;
  return `schema_${schemas}`;
}

async function migrated(client: Queryable, schema: string = newSchema()): Promise<PostgresStore> {
  const store = postgresStore(client, { schema });
  await store.migrate();
  return store;
}

async function refusal(call: Promise<unknown>): Promise<unknown> {
  const error: unknown = await call.catch((thrown: unknown) => thrown);
  expect(error).not.toHaveProperty("cause");
  return error;
}

function unavailable(words: RegExp, retryable = true): unknown {
  return expect.objectContaining({
    code: "STORE_UNAVAILABLE",
    retryable,
    message: expect.stringMatching(words),
  });
}

function twoPools(prepare: boolean): Promise<TenantStoreUnderTest> {
  const schema = newSchema();
  return twoHandles((clock, number) =>
    postgresStore([first, second][number] ?? first, { clock, schema, prepare }),
  );
}

storeLaws({ describe, it }, "PostgreSQL, two pools", () => twoPools(false));
storeLaws({ describe, it }, "PostgreSQL, two pools, prepared statements", () => twoPools(true));
tenantStoreLaws({ describe, it }, "PostgreSQL, two pools", () => twoPools(true));

describe("migrate", () => {
  it("may run ten times at once on an empty database, and records each migration once", async () => {
    const schema = newSchema();
    const stores = Array.from({ length: 10 }, (_, index) =>
      postgresStore(index % 2 ? first : second, { schema }),
    );
    await Promise.all(stores.map((store) => store.migrate()));
    const { rows } = await first.query(`select number, name from "${schema}".atlas_migrations`);
    expect(rows).toEqual(postgresMigrations.map(({ number, name }) => ({ number, name })));
  });

  it("is named by the error of every earlier call", async () => {
    const store = postgresStore(first, { schema: newSchema() });
    const calls: readonly (() => Promise<unknown>)[] = [
      () => store.identity(),
      () => insert(store, newRecord()),
      () => store.get(namespace, "x"),
      () => store.replace(next(newRecord()), undefined),
      () => claim(store, "lease"),
      () => all(store),
      () => allEvents(store),
    ];
    for (const call of calls)
      expect(await refusal(call())).toEqual(unavailable(/could not .*: run migrate\(\) on the store first/));
  });

  it("refuses a schema that a later version has migrated", async () => {
    const schema = newSchema();
    const store = await migrated(first, schema);
    await first.query(
      `insert into "${schema}".atlas_migrations (number, name) values (1000, 'from the future')`,
    );
    const newer =
      /newer than this version of atlas-compute, which knows \d+ of its migrations: install a newer/;
    expect(await refusal(store.migrate())).toEqual(unavailable(newer, false));
  });

  it("works in an existing schema, for a user without the right to create one", async () => {
    const schema = newSchema();
    await first.query(
      `create role "${schema}" login password 'x'; create schema "${schema}" authorization "${schema}"`,
    );
    const [host] = server.connectionString.split("@").slice(1);
    const store = await migrated(server.pool({ connectionString: `postgres://${schema}:x@${host}` }), schema);
    expect(await insert(store, newRecord())).toBeUndefined();
  });
});

test("stores of two prefixes share a schema and nothing else", async () => {
  const schema = newSchema();
  const one = postgresStore(first, { schema, tablePrefix: "one_" });
  const two = postgresStore(first, { schema, tablePrefix: "two_" });
  await Promise.all([one.migrate(), two.migrate()]);
  const record = newRecord();
  await insert(one, record);
  expect(await two.get(namespace, record.id)).toBeUndefined();
  expect(await two.identity()).not.toBe(await one.identity());
});

test("without a clock of its own, time is the database's", async () => {
  const store = await migrated(first);
  const before = await store.now();
  const record = newRecord({
    dueAt: before,
    tokens: [{ hash: "aa", kind: "user", expiresAt: new Date(before.getTime() + 3_600_000) }],
  });
  await insert(store, record);
  const [claimed] = await claim(store, "lease");
  const { rows } = await first.query("select extract(epoch from clock_timestamp()) * 1000 as now");
  const after = Number(rows[0].now);
  expect(claimed?.now.getTime()).toBeGreaterThanOrEqual(before.getTime());
  expect(claimed?.now.getTime()).toBeLessThanOrEqual(after);
  expect(claimed?.record.leaseUntil?.getTime()).toBe((claimed?.now.getTime() ?? 0) + 60_000);
  const [event] = await allEvents(store);
  expect(event?.at.getTime()).toBeGreaterThanOrEqual(before.getTime());
  expect(event?.at.getTime()).toBeLessThanOrEqual(after);
  expect((await store.getByTokenHash(namespace, "aa", "user"))?.record).toEqual(claimed?.record);
});

test("no event becomes visible before another one with a smaller id", async () => {
  const schema = newSchema();
  const store = await migrated(first, schema);
  const client = await second.connect();
  const [early, late] = [newRecord(), newRecord()];
  await client.query("begin");
  await insert(postgresStore(client, { schema }), early);
  let isWritten = false;
  const writing = insert(store, late).then(() => {
    isWritten = true;
  });
  const waiting = "select from pg_locks where locktype = 'advisory' and not granted";
  while (!isWritten && (await first.query(waiting)).rows.length === 0);
  expect(await allEvents(store)).toEqual([]);
  await client.query("commit");
  client.release();
  await writing;
  expect((await allEvents(store)).map((event) => event.computeId)).toEqual([early.id, late.id]);
});

test("a driver's own type parsers do not matter", async () => {
  const TEXT = 25;
  const getTypeParser = (oid: number) => (value: string) => (oid === TEXT ? value : { odd: value });
  const store = await migrated(server.pool({ types: { getTypeParser } }));
  const record = newRecord({
    costPerHour: 0.1,
    dueAt: new Date(1234),
    metadata: { a: "b" },
    reports: { gpu: [1] },
  });
  await insert(store, record, { costPerHour: 1 });
  expect((await store.get(namespace, record.id))?.record).toEqual(record);
  expect(await all(store)).toEqual([record]);
  expect(await claim(store, "lease")).toMatchObject([{ record: { id: record.id, version: 2 } }]);
  expect(await allEvents(store)).toMatchObject([{ computeId: record.id }]);
  expect(await refusal(insert(store, newRecord(), { computes: 1 }))).toMatchObject({
    code: "LIMIT_EXCEEDED",
  });
});

describe("the settings of a connection", () => {
  it.each([
    "-c timezone=Asia/Kolkata -c datestyle=german,dmy",
    "-c timezone=America/St_Johns -c intervalstyle=sql_standard -c bytea_output=escape",
  ])("change no value of a record or an event: %s", async (options) => {
    const schema = newSchema();
    await migrated(first, schema);
    const store = postgresStore(server.pool({ options, max: 1 }), { schema });
    const record = newRecord({
      ...{
        createdAt: new Date("2026-03-29T01:59:59.007Z"),
        idleDeadline: new Date("2026-10-25T02:30:00.100Z"),
      },
      ...{ costPerHour: 0.1 + 0.2, metadata: { quote: "it's \"\u2028\\", __proto__x: "1" } },
    });
    await insert(store, record);
    const found = await store.get(namespace, record.id);
    expect(found?.record).toEqual(record);
    expect(Math.abs(Date.now() - Number(found?.now))).toBeLessThan(60_000);
    expect(await all(store)).toEqual([record]);
    expect(await allEvents(store)).toMatchObject([{ computeId: record.id }]);
    expect(await allEvents(store)).toEqual(await allEvents(postgresStore(first, { schema })));
  });
});

describe("watch", () => {
  const heardOnce = async (watcher: Store, writer: Store): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const watching = await watcher.watch?.(() => resolve());
    await insert(writer, newRecord());
    await promise;
    await watching?.[Symbol.asyncDispose]();
  };

  it("hears another connection over a single client", async () => {
    const client = new pg.Client(server.connectionString);
    await client.connect();
    const schema = newSchema();
    await heardOnce(await migrated(client, schema), postgresStore(first, { schema }));
    await client.end();
  });

  it("hears of any compute in a message of the version before, which named none", async () => {
    const schema = newSchema();
    const store = await migrated(server.pool(), schema);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const watching = await store.watch?.((computeId) => resolve(computeId ?? "any"));
    await first.query("select pg_notify($1, 'default')", [`${schema}_atlas_`]);
    expect(await promise).toBe("any");
    await watching?.[Symbol.asyncDispose]();
  });

  it("takes one connection of a pool for any number of watchers, and gives it back", async () => {
    const pool = server.pool({ max: 2 });
    const schema = newSchema();
    const store = await migrated(pool, schema);
    const watching = await Promise.all(Array.from({ length: 20 }, () => store.watch?.(() => undefined)));
    await heardOnce(store, store);
    for (const each of watching) await each?.[Symbol.asyncDispose]();
    await Promise.all([pool.query("select pg_sleep(0.01)"), pool.query("select pg_sleep(0.01)")]);
    expect(pool.idleCount).toBe(2);
  });

  it("continues after a lost connection, and calls its watchers to catch up", async () => {
    const schema = newSchema();
    const store = await migrated(server.pool(), schema);
    const heard = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let calls = 0;
    const watching = await store.watch?.(() => {
      heard[calls]?.resolve();
      calls += 1;
    });
    await first.query("select pg_terminate_backend(pid) from pg_stat_activity where query = $1", [
      `listen "${schema}_atlas_"`,
    ]);
    await heard[0]?.promise;
    await insert(postgresStore(second, { schema }), newRecord());
    await heard[1]?.promise;
    await watching?.[Symbol.asyncDispose]();
  });

  it("ends with the store", async () => {
    const pool = server.pool({ max: 2 });
    const store = await migrated(pool);
    await store.watch?.(() => undefined);
    await store.close();
    await Promise.all([pool.query("select pg_sleep(0.01)"), pool.query("select pg_sleep(0.01)")]);
    expect(pool.idleCount).toBe(2);
  });

  it("is absent where the client can only query", async () => {
    const client: Queryable = {
      query: (text, values) => first.query(text, values).then(({ rows }) => ({ rows })),
    };
    expect(postgresStore(client).watch).toBeUndefined();
  });
});

describe("a failure of the database names the remedy, and no secret", () => {
  const secrets = /secret|127\.0\.0\.1|atlas:|select|insert into|namespace/;

  it.each([
    [
      "no server listens",
      "postgres://atlas:secret@127.0.0.1:1/postgres",
      /cannot be reached.*\(ECONNREFUSED\)$/,
      true,
    ],
    ["the password is wrong", "wrong password", /credentials were refused.*\(28P01\)$/, false],
    ["the database does not exist", "other database", /create it first \(3D000\)$/, false],
  ])("when %s", async (_, connectionString, words, retryable) => {
    const url = new URL(connectionString.startsWith("postgres") ? connectionString : server.connectionString);
    if (connectionString === "wrong password") url.password = "secret2";
    if (connectionString === "other database") url.pathname = "/secret";
    const error = await refusal(
      postgresStore(server.pool({ connectionString: url.href })).get("default", "x"),
    );
    expect(error).toEqual(unavailable(words, retryable));
    expect(String(error)).not.toMatch(secrets);
  });

  it("when transactions keep one view, in which limits could not hold", async () => {
    const schema = newSchema();
    await migrated(first, schema);
    const options = "-c default_transaction_isolation=serializable";
    const store = postgresStore(server.pool({ options }), { schema });
    expect(await refusal(insert(store, newRecord(), { computes: 5 }))).toEqual(
      unavailable(/READ COMMITTED/, false),
    );
  });

  it("when a value is too much for it", async () => {
    const store = await migrated(first);
    const record = newRecord({ attempts: 1e15, lastError: "secret" });
    const error = await refusal(store.insert(record, eventOf(record), {}));
    expect(error).toEqual(unavailable(/could not record a compute: it failed: see its log \(22003\)$/));
    expect(String(error)).not.toMatch(secrets);
  });

  it("when the driver throws a value that is not an error", async () => {
    const store = postgresStore({ query: () => Promise.reject("secret") });
    expect(await refusal(store.now())).toEqual(
      unavailable(/could not tell the time: it failed: see its log$/),
    );
  });
});

test.each([
  ["a client that cannot query", {}, {}, /client: got an object; allowed: a client with query/],
  [
    "a schema that needs quoting",
    undefined,
    { schema: 'a"; drop schema public' },
    /schema: got .*allowed: up to 31 of/,
  ],
  ["a prefix with a capital", undefined, { tablePrefix: "Atlas" }, /tablePrefix: got "Atlas"/],
  ["an unknown option", undefined, { prefix: "a" }, /prefix: got an unknown key/],
] satisfies [string, object | undefined, object, RegExp][])(
  "%s is refused",
  (_, client, options: object, message) => {
    const given = (client ?? first) as Queryable;
    expect(() => postgresStore(given, options)).toThrow(
      expect.objectContaining({ code: "VALIDATION", message: expect.stringMatching(message) }),
    );
  },
);
