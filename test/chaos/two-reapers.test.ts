import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { type Atlas, createAtlas } from "../../src/index.ts";
import { insertAll, longAgo } from "../../src/laws/store/harness.ts";
import type { Store } from "../../src/store.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { type PostgresServer, startPostgres } from "../stores/postgres-server.ts";
import { fastTimeOption, setDatabaseTime } from "./fast-time.ts";
import { slowProvider } from "./slow-provider.ts";

const DUE = 200;
const realTime = { anchor: 0, speed: 1 };

let server: PostgresServer;
let pool: pg.Pool;
let store: Store;

beforeAll(async () => {
  server = await startPostgres();
  pool = server.pool({ options: fastTimeOption });
  await setDatabaseTime(pool, realTime);
  await postgresStore(pool).migrate();
}, 60_000);

afterAll(() => server.stop());

beforeEach(async () => {
  await pool.query("delete from atlas_computes");
  await setDatabaseTime(pool, realTime);
  store = postgresStore(pool);
  const due = {
    namespace: "default",
    provider: "slow",
    dueAt: longAgo,
    idleDeadline: longAgo,
    status: "running",
  } as const;
  await insertAll(
    store,
    Array.from({ length: DUE }, (_, index) => ({ ...due, providerId: `instance-${index}` })),
  );
});

/** A reaper with connections of its own, at a provider that takes that long for an end. */
function reaper(milliseconds: number, leaseSeconds: number, asked: string[]): Atlas {
  const own = postgresStore(server.pool({ options: fastTimeOption }));
  const provider = slowProvider(milliseconds, (name) => asked.push(name));
  return createAtlas({ providers: [provider], store: own, timing: { leaseSeconds } });
}

async function statuses(): Promise<Readonly<Record<string, number>>> {
  const { rows } = await pool.query<{ status: string; count: number }>(
    "select status, count(*)::integer as count from atlas_computes group by status",
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

it("two reapers at once ask for each of 200 ends once", async () => {
  const asked: string[] = [];
  const reapers = [reaper(20, 60, asked), reaper(20, 60, asked)];
  const reports = await Promise.all(reapers.map((one) => one.reap({ limit: 150 })));
  expect(reports.every(({ terminated }) => terminated.length > 0)).toBe(true);
  expect([asked.length, new Set(asked).size]).toEqual([DUE, DUE]);
  expect(await statuses()).toEqual({ terminated: DUE });
});

async function reapUntilAllEnded(one: Atlas): Promise<void> {
  while ((await statuses()).terminated !== DUE) {
    await one.reap({ limit: DUE });
    await sleep(50);
  }
}

it.each(["running", "terminating"])(
  "three reapers whose leases are shorter than their work ask for the end of each of 200 that are %s once",
  async (status) => {
    await pool.query("update atlas_computes set status = $1", [status]);
    const asked: string[] = [];
    await Promise.all([1, 2, 3].map(() => reapUntilAllEnded(reaper(200, 1.5, asked))));
    expect([asked.length, new Set(asked).size]).toEqual([DUE, DUE]);
  },
);

it("a reaper that is killed leaves its work to the next one, as soon as its leases are over and not before", async () => {
  const program = fileURLToPath(new URL("slow-reaper.ts", import.meta.url));
  const { connectionString } = server;
  const killed: string[] = [];
  const child = fork(program, [connectionString, "60"], { execArgv: [] });
  child.on("message", (name: string) => {
    if (killed.push(name) === DUE / 2) child.kill("SIGKILL");
  });
  await Promise.all([once(child, "exit"), once(child, "disconnect")]);
  const asked: string[] = [];
  const next = reaper(0, 60, asked);
  expect((await next.reap({ limit: 1000, orphans: "ignore" })).terminated).toEqual([]);
  expect(asked).toEqual([]);
  await setDatabaseTime(pool, realTime, 61);
  await next.reap({ limit: 1000 });
  expect(await statuses()).toEqual({ terminated: DUE });
  expect(new Set([...killed, ...asked]).size).toBe(DUE);
  expect(new Set(asked).size).toBe(asked.length);
  expect(asked.filter((name) => killed.includes(name)).length).toBeLessThanOrEqual(8);
});
