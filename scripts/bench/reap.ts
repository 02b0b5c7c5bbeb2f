/** `reap()` over 1,000 and over 1,000,000 stored computes with 100 due, on every store; the figures are the ratio of the two. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type pg from "pg";
import { createAtlas } from "../../src/index.ts";
import type { Provider } from "../../src/provider.ts";
import type { ComputeRecord, Store } from "../../src/store.ts";
import { memoryStore } from "../../src/stores/memory/index.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { sqliteStore } from "../../src/stores/sqlite/index.ts";
import { startPostgres } from "../../test/stores/postgres-server.ts";
import { median, print } from "./figures.ts";

const SMALL = 1_000;
const LARGE = 1_000_000;
const DUE = 100;
const ROUNDS = 7;
const FAR = new Date("2100-01-01T00:00:00Z");
const PAST = new Date("2020-01-01T00:00:00Z");

/** A provider at which every instance is gone as soon as it is asked for. */
const nowhere: Provider = {
  name: "nowhere",
  bootTimeoutSeconds: 60,
  absenceGraceSeconds: 0,
  candidates: async () => [],
  create: async () => {
    throw new Error("the benchmark creates nothing");
  },
  get: async ({ name, providerId = "" }) => ({
    ...{ name, providerId, status: "terminated", ports: [], raw: undefined },
  }),
  list: async () => [],
  terminate: async () => undefined,
};

function recordOf(number: number, idleDeadline: Date): ComputeRecord {
  const id = number.toString(36).padStart(20, "0");
  return {
    id,
    name: `atlas-default-${id}`,
    namespace: "default",
    version: 1,
    provider: "nowhere",
    providerId: `instance-${number}`,
    status: "running",
    reason: null,
    userId: `user-${number}`,
    slot: null,
    tenantId: null,
    gpu: "h100-sxm",
    gpuCount: 1,
    region: null,
    ports: [],
    authSchemes: [],
    generation: 0,
    signingKeyId: null,
    tokens: [],
    metadata: {},
    idempotencyKey: null,
    requestHash: "0",
    costPerHour: 3,
    costBefore: 0,
    costSince: PAST,
    settledAt: null,
    idleTimeoutSeconds: 1800,
    maxLifetimeSeconds: null,
    maxExtendedLifetimeSeconds: null,
    bootTimeoutSeconds: null,
    warnBeforeEndSeconds: 120,
    actedAt: null,
    answeredAt: null,
    lookedAt: null,
    looks: 0,
    warnedEnd: null,
    createdAt: PAST,
    updatedAt: PAST,
    lastActiveAt: PAST,
    placedAt: PAST,
    endedAt: null,
    absentSince: null,
    bootDeadline: null,
    idleDeadline,
    budgetDeadline: null,
    lifetimeDeadline: null,
    checkAt: null,
    dueAt: idleDeadline,
    lease: null,
    leaseUntil: null,
    attempts: 0,
    lastError: null,
    reports: {},
  };
}

const running = { type: "state", status: "running", reason: null, costSoFar: 0, data: {} } as const;

async function insert(store: Store, from: number, count: number, idleDeadline: Date): Promise<void> {
  for (let number = from; number < from + count; number += 1)
    await store.insert(recordOf(number, idleDeadline), running, {});
}

/** A store under measurement: how to fill it with computes that are not due. */
interface Subject {
  readonly name: string;
  readonly open: () => Promise<{
    store: Store;
    fill: (count: number) => Promise<void>;
    close: () => Promise<void>;
  }>;
}

const memory: Subject = {
  name: "memory",
  open: async () => {
    const store = memoryStore();
    return { store, fill: (count) => insert(store, 0, count, FAR), close: () => store.close() };
  },
};

const sqlite: Subject = {
  name: "SQLite",
  open: async () => {
    const folder = await mkdtemp(join(tmpdir(), "atlas-bench-"));
    const path = join(folder, "atlas.db");
    const store = sqliteStore(path);
    await insert(store, 0, 1, FAR);
    return {
      store,
      fill: async (count) => copyInSqlite(path, count),
      close: async () => {
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  },
};

/** Copies the first row, whatever columns it has, under other ids. */
function copyInSqlite(path: string, count: number): void {
  const database = new DatabaseSync(path);
  const columns = database
    .prepare("select name from pragma_table_info('atlas_computes')")
    .all()
    .map(({ name }) => String(name));
  const values = columns.map((name) =>
    name === "id" ? "n" : name === "name" ? "'atlas-default-' || n" : `"${name}"`,
  );
  database.exec(`with recursive numbers(i) as (select 1 union all select i + 1 from numbers where i < ${count}),
    named(n) as (select printf('bench%015d', i) from numbers)
    insert into atlas_computes (${columns.map((name) => `"${name}"`).join(", ")})
    select ${values.join(", ")} from atlas_computes, named where id = '${"0".repeat(20)}'`);
  database.exec("analyze");
  // One transaction of a million rows leaves a write-ahead log that no application would have.
  database.exec("pragma wal_checkpoint(truncate)");
  database.close();
}

const postgres: Subject = {
  name: "PostgreSQL",
  open: async () => {
    const server = await startPostgres();
    const pool = server.pool();
    const store = postgresStore(pool);
    await store.migrate?.();
    await insert(store, 0, 1, FAR);
    return {
      store,
      fill: (count) => copyInPostgres(pool, count),
      close: async () => {
        await store.close();
        await server.stop();
      },
    };
  },
};

async function copyInPostgres(pool: pg.Pool, count: number): Promise<void> {
  await pool.query(
    `insert into atlas_computes
     select (jsonb_populate_record(c, jsonb_build_object('id', n, 'name', 'atlas-default-' || n))).*
     from atlas_computes c, lateral (select 'bench' || lpad(i::text, 15, '0') as n from generate_series(1, $1::integer) i) numbers
     where c.id = $2`,
    [count, "0".repeat(20)],
  );
  await pool.query("vacuum analyze atlas_computes");
}

async function measure({ open }: Subject, stored: number): Promise<number> {
  const { store, fill, close } = await open();
  try {
    await fill(stored);
    const atlas = createAtlas({ providers: [nowhere], store });
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await insert(store, 10_000_000 + round * DUE, DUE, PAST);
      const begin = performance.now();
      const { terminated } = await atlas.reap({ limit: DUE });
      times.push(performance.now() - begin);
      if (terminated.length !== DUE) throw new Error(`a pass ended ${terminated.length} of ${DUE}`);
    }
    return median(times.slice(2));
  } finally {
    await close();
  }
}

for (const subject of [memory, sqlite, postgres]) {
  const small = await measure(subject, SMALL);
  const large = await measure(subject, LARGE);
  print(`reap() on ${subject.name}, 100 due: 1,000,000 stored against 1,000`, large / small, {
    budget: 1.5,
    better: "less",
    detail: `${large.toFixed(0)} ms against ${small.toFixed(0)} ms`,
  });
}
