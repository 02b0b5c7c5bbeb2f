/**
 * The time to the first byte of the operator page over 10,000 live computes, as a ratio to the statements that such a page needs, written by hand:
 * one page of rows, and the totals by user and by provider. SQLite in a file, and PostgreSQL.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { eventOf, newRecord } from "../../src/laws/store/harness.ts";
import type { Store } from "../../src/store.ts";
import { startPostgres } from "../../test/stores/postgres-server.ts";
import { count, inDigits, inTurns, median, millisecondsOf, ratios, report } from "./figures.ts";

const COMPUTES = count(10_000, 100);
const USERS = count(3000, 30);
const ROUNDS = count(40, 1);
const LIVE = "status in ('pending', 'provisioning', 'running', 'stopped', 'uncertain', 'terminating')";
const WHERE = `where namespace = 'default' and ${LIVE}`;
const STATEMENTS = (table: string): readonly string[] => [
  `select * from ${table} ${WHERE} order by created_at desc, id desc limit 50`,
  `select user_id, count(*), sum(cost_per_hour), sum(cost_before) from ${table} ${WHERE} group by user_id order by 3 desc limit 12`,
  `select provider, status, count(*), sum(cost_per_hour), sum(cost_before) from ${table} ${WHERE} group by provider, status`,
];

// The page is written in JSX, which Node does not run: the built package is measured.
const { createAtlas } = await import("atlas-compute");
const { createOperatorPage } = await import("atlas-compute/server");
const { sqliteStore } = await import("atlas-compute/sqlite");
const { postgresStore } = await import("atlas-compute/postgres");

await onSqlite();
await onPostgres();

async function onSqlite(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-bench-"));
  const path = join(folder, "atlas.db");
  const store = sqliteStore(path);
  await fill(store);
  const bare = new DatabaseSync(path);
  const prepared = STATEMENTS("atlas_computes").map((sql) => bare.prepare(sql));
  await measure("SQLite", store, async () => void prepared.map((statement) => statement.all()));
  bare.close();
  await store.close();
  await rm(folder, { recursive: true });
}

async function onPostgres(): Promise<void> {
  const server = await startPostgres();
  const pool = server.pool();
  const store = postgresStore(pool, { schema: "operator" });
  await store.migrate();
  await fill(store);
  await pool.query("analyze");
  const statements = STATEMENTS("operator.atlas_computes");
  await measure("PostgreSQL", store, async () => {
    await Promise.all(statements.map((sql) => pool.query(sql)));
  });
  await store.close();
  await server.stop();
}

async function fill(store: Store): Promise<void> {
  const now = await store.now();
  for (let index = 0; index < COMPUTES; index += 1) {
    const record = newRecord({
      ...{ namespace: "default", provider: ["runpod", "fly", "docker"][index % 3] ?? "" },
      ...{ status: index % 10 === 0 ? "provisioning" : "running", userId: `user-${index % USERS}` },
      ...{ costPerHour: 1 + (index % 7), costSince: now, createdAt: new Date(now.getTime() - index * 1000) },
    });
    await store.insert(record, eventOf(record), {});
  }
}

async function measure(name: string, store: Store, bare: () => Promise<void>): Promise<void> {
  const atlas = createAtlas({ providers: [], store, deployment: "bench" });
  const page = createOperatorPage({ atlas, authorize: () => ({ operator: "bench", role: "view" }) });
  const read = async (path: string): Promise<void> => {
    const response = await page(new Request(`http://127.0.0.1${path}`));
    if (response.status !== 200)
      throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  };
  for (const [what, path] of [
    ["the list", "/"],
    ["a search", "/?search=user-29"],
    ["the metrics", "/metrics"],
  ] as const) {
    const times = await inTurns(ROUNDS, {
      own: () => millisecondsOf(() => read(path)),
      byHand: () => millisecondsOf(bare),
    });
    report({
      measured: `${what} over ${COMPUTES.toLocaleString("en")} live computes, ${name}`,
      ours: `${inDigits(median(times.own))} ms`,
      peer: `${inDigits(median(times.byHand))} ms`,
      ratio: ratios(times.own, times.byHand),
      budget: { limit: 2, better: "less" },
    });
  }
}
