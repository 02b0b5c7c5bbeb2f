/** `reap()` with 100 due, a spawn, a read, a touch and a page of a list, on every store: over 10,000 to 1,000,000 stored computes against 1,000. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type pg from "pg";
import { type Atlas, createAtlas } from "../../src/index.ts";
import { newRecord } from "../../src/laws/store/harness.ts";
import type { Provider } from "../../src/provider.ts";
import type { ComputeRecord, Store } from "../../src/store.ts";
import { memoryStore } from "../../src/stores/memory/index.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { sqliteStore } from "../../src/stores/sqlite/index.ts";
import { startPostgres } from "../../test/stores/postgres-server.ts";
import { count, inDigits, inTurns, median, millisecondsOf, ratios, report } from "./figures.ts";

const SMALL = count(1_000, 20);
const LARGE: readonly number[] = [count(10_000, 50), count(100_000, 80), count(1_000_000, 100)];
const DUE = count(100, 5);
const ROUNDS = count(4, 1);
/** The number of calls of one round, which take too little time to be measured alone. */
const CALLS = count(25, 2);
const FAR = new Date("2100-01-01T00:00:00Z");
/** A record costs since then; a longer time would be mostly days of the ledger. */
const PAST = new Date(Date.now() - 3_600_000);

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
  return newRecord({
    id: number.toString(36).padStart(20, "0"),
    namespace: "default",
    provider: "nowhere",
    providerId: `instance-${number}`,
    status: "running",
    userId: `user-${number}`,
    gpu: "h100-sxm",
    costPerHour: 3,
    costSince: PAST,
    idleTimeoutSeconds: 1800,
    createdAt: PAST,
    updatedAt: PAST,
    lastActiveAt: PAST,
    placedAt: PAST,
    idleDeadline,
    dueAt: idleDeadline,
  });
}

const running = { type: "state", status: "running", reason: null, costSoFar: 0, data: {} } as const;

async function insert(store: Store, from: number, count: number, idleDeadline: Date): Promise<void> {
  for (let number = from; number < from + count; number += 1)
    await store.insert(recordOf(number, idleDeadline), running, {});
}

/** A store under measurement: how to fill it with computes that are not due. */
interface Subject {
  readonly name: string;
  readonly open: () => Promise<Opened>;
}

interface Opened {
  readonly store: Store;
  /** Adds computes that are not due, with numbers from one on. */
  readonly fill: (from: number, count: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

const memory: Subject = {
  name: "memory",
  open: async () => {
    const store = memoryStore();
    await insert(store, 0, 1, FAR);
    return { store, fill: (from, count) => insert(store, from, count, FAR), close: () => store.close() };
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
      fill: async (from, count) => copyInSqlite(path, from, count),
      close: async () => {
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  },
};

/** Copies the first row, whatever columns it has, under other ids. */
function copyInSqlite(path: string, from: number, count: number): void {
  const database = new DatabaseSync(path);
  const columns = database
    .prepare("select name from pragma_table_info('atlas_computes')")
    .all()
    .map(({ name }) => String(name));
  const values = columns.map(
    (name) =>
      ({ id: "n", name: "'atlas-default-' || n", user_id: "'user-' || (i % 5000)" })[name] ?? `"${name}"`,
  );
  database.exec(`with recursive numbers(i) as (select ${from} union all select i + 1 from numbers where i + 1 < ${from + count}),
    named(i, n) as (select i, printf('bench%015d', i) from numbers)
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
      fill: (from, count) => copyInPostgres(pool, from, count),
      close: async () => {
        await store.close();
        await server.stop();
      },
    };
  },
};

async function copyInPostgres(pool: pg.Pool, from: number, count: number): Promise<void> {
  await pool.query(
    `insert into atlas_computes
     select (jsonb_populate_record(c, jsonb_build_object('id', n, 'name', 'atlas-default-' || n, 'user_id', 'user-' || i % 5000))).*
     from atlas_computes c,
     lateral (select i, 'bench' || lpad(i::text, 15, '0') as n from generate_series($1::integer, $2::integer) i) numbers
     where c.id = $3`,
    [from, from + count - 1, "0".repeat(20)],
  );
  await pool.query("vacuum analyze atlas_computes");
}

/** The work that is measured, on one client. Each returns the milliseconds of one call. */
function subjectsOf({ store }: Opened): Readonly<Record<string, () => Promise<number>>> {
  const atlas: Atlas = createAtlas({ providers: [nowhere], store });
  let next = 10_000_000;
  const due = async (): Promise<number> => {
    await insert(store, next, DUE, PAST);
    next += DUE;
    return millisecondsOf(async () => {
      const { terminated } = await atlas.reap({ limit: DUE });
      if (terminated.length !== DUE) throw new Error(`a pass ended ${terminated.length} of ${DUE}`);
    });
  };
  const repeated = async (call: () => Promise<unknown>): Promise<number> => {
    const milliseconds = await millisecondsOf(async () => {
      for (let index = 0; index < CALLS; index += 1) await call();
    });
    return milliseconds / CALLS;
  };
  const id = "0".repeat(20);
  return {
    [`\`reap()\`, ${DUE} due`]: due,
    "an insert": () =>
      repeated(() => {
        next += 1;
        return insert(store, next - 1, 1, FAR);
      }),
    "a read by id": () => repeated(() => atlas.getCompute(id)),
    "a touch": () => repeated(() => atlas.touch(id)),
    "the newest 50 of a user": () =>
      repeated(() => store.list({ namespace: "default", userId: "user-7" }, { limit: 50 })),
  };
}

/** Grows one store, and compares it at each size with a small one of the same kind. */
async function measure({ name, open }: Subject): Promise<void> {
  const [small, large] = [await open(), await open()];
  try {
    await small.fill(1, SMALL);
    const [few, many] = [subjectsOf(small), subjectsOf(large)];
    let stored = 1;
    for (const size of LARGE) {
      await large.fill(stored, size - stored);
      stored = size;
      for (const [work, own] of Object.entries(many)) {
        const times = await inTurns(ROUNDS, { own, peer: few[work] ?? own });
        report({
          measured: `${work}, ${name}, ${size.toLocaleString("en")}`,
          ours: `${inDigits(median(times.own))} ms`,
          peer: `${inDigits(median(times.peer))} ms`,
          ratio: ratios(times.own, times.peer),
          ...(work.includes("reap") && { budget: { limit: 1.5, better: "less" } }),
        });
      }
    }
  } finally {
    await small.close();
    await large.close();
  }
}

for (const subject of [memory, sqlite, postgres]) await measure(subject);
