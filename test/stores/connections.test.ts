import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAtlas } from "../../src/index.ts";
import { insert, newRecord } from "../../src/laws/store/harness.ts";
import { mock } from "../../src/providers/mock/index.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { hasPgBouncer, startPgBouncer } from "./pgbouncer.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
  await postgresStore(server.pool()).migrate();
}, 60_000);
afterAll(() => server.stop());

describe("a pool of one connection", () => {
  it("serves calls while a caller follows events, and the follower hears of them", async () => {
    const store = postgresStore(server.pool({ max: 1 }));
    const atlas = createAtlas({ providers: [mock()], store, deployment: "test" });
    const compute = await atlas.spawnCompute({});
    const seen: string[] = [];
    const following = (async () => {
      for await (const { status } of atlas.events(compute.id)) seen.push(status);
    })();
    await atlas.terminate(compute.id);
    await atlas.getCompute(compute.id);
    await following;
    expect(seen).toEqual(["pending", "provisioning", "terminating", "terminated"]);
  }, 20_000);
});

describe("a pool of two connections with a listener on each of two stores", () => {
  it("keeps answering", async () => {
    const pool = server.pool({ max: 2 });
    const stores = [postgresStore(pool), postgresStore(pool)];
    const watches = await Promise.all(stores.map(async (store) => store.watch?.(() => undefined)));
    expect(await Promise.all(Array.from({ length: 10 }, () => stores[0]?.identity()))).toHaveLength(10);
    for (const watch of watches) await watch?.[Symbol.asyncDispose]();
  }, 20_000);
});

describe("a database that drops its connections", () => {
  it("does not end the process that has no listener for the pool's errors, and the next call works", async () => {
    const pool = server.pool({ max: 4 });
    const store = postgresStore(pool);
    const identity = await store.identity();
    expect(pool.listenerCount("error")).toBe(1);
    postgresStore(pool);
    expect(pool.listenerCount("error")).toBe(1);
    const removed = new Promise((resolve) => pool.once("remove", resolve));
    await server
      .pool()
      .query(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
      );
    await removed;
    expect(await store.identity()).toBe(identity);
  });
});

describe.skipIf(!hasPgBouncer)(
  "a pooler in transaction mode (skipped where PgBouncer is not installed)",
  () => {
    it("carries every call, and a watcher hears of writes as soon as by polling", async () => {
      const bouncer = await startPgBouncer(server.connectionString, 3);
      const pool = new pg.Pool({ connectionString: bouncer.connectionString, max: 5 });
      const store = postgresStore(pool);
      let calls = 0;
      const watch = await store.watch?.(() => {
        calls += 1;
      });
      await new Promise((resolve) => setTimeout(resolve, 2500));
      const before = calls;
      const records = Array.from({ length: 20 }, () => newRecord());
      await Promise.all(records.map((record) => insert(store, record)));
      await expect.poll(() => calls, { timeout: 3000 }).toBeGreaterThan(before);
      const events = await Promise.all(
        records.map(({ namespace, id }) => store.events({ namespace, computeId: id }, 10)),
      );
      expect(events.flat()).toHaveLength(20);
      await watch?.[Symbol.asyncDispose]();
      await pool.end();
      await bouncer.stop();
    }, 20_000);
  },
);

describe("prepared statements", () => {
  it("work on a pool of several connections, while computes change in every way", async () => {
    const store = postgresStore(server.pool({ max: 4 }), { prepare: true });
    const atlas = createAtlas({ providers: [mock()], store, deployment: "test" });
    const computes = await Promise.all(
      Array.from({ length: 12 }, () => atlas.spawnCompute({ userId: "ada" })),
    );
    await Promise.all(computes.flatMap(({ id }) => [atlas.touch(id), atlas.touch(id), atlas.getCompute(id)]));
    await Promise.all(computes.map(({ id }) => atlas.terminate(id)));
    expect((await atlas.listComputes({ userId: "ada" })).computes.map(({ status }) => status)).not.toContain(
      "running",
    );
  }, 20_000);

  it.skipIf(!hasPgBouncer)(
    "are named by the error behind a pooler that does not keep them",
    async () => {
      const pooler = await startPgBouncer(server.connectionString, 1);
      const pools = [1, 2].map(() => new pg.Pool({ connectionString: pooler.connectionString, max: 1 }));
      const calls = pools.map((pool) => postgresStore(pool, { prepare: true }).identity());
      const failures = (await Promise.allSettled(calls)).flatMap((result) =>
        result.status === "rejected" ? [result.reason] : [],
      );
      for (const pool of pools) await pool.end();
      await pooler.stop();
      expect(failures).toMatchObject([
        {
          code: "STORE_UNAVAILABLE",
          retryable: false,
          message: expect.stringContaining("leave `prepare` off"),
        },
      ]);
    },
    30_000,
  );
});
