/** The time in which getOrSpawn finds the live compute of a slot, as a ratio to one indexed read of the same row by hand. PostgreSQL, one caller. */
import { createAtlas } from "../../src/index.ts";
import { mock } from "../../src/providers/mock/index.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { startPostgres } from "../../test/stores/postgres-server.ts";

const USERS = 500;
const ROUNDS = 7;
const READS = 1000;

const server = await startPostgres();
try {
  const pool = server.pool();
  const store = postgresStore(pool);
  await store.migrate();
  const atlas = createAtlas({ providers: [mock()], store, deployment: "bench" });
  for (let user = 0; user < USERS; user += 1)
    await atlas.getOrSpawn({ userId: `user-${user}`, slot: "default" });
  // Without its statistics PostgreSQL reads every row of the namespace, for both sides.
  await pool.query("analyze");
  const byHand = async (userId: string): Promise<unknown> =>
    pool.query(
      `select * from atlas_computes where namespace = 'default' and coalesce(tenant_id, '') = '' and user_id = $1 and slot = 'default'
       and status in ('pending', 'provisioning', 'running', 'stopped', 'uncertain', 'terminating')`,
      [userId],
    );
  const found = (userId: string): Promise<unknown> => atlas.getOrSpawn({ userId, slot: "default" });
  const ratios = [];
  for (let round = 0; round < ROUNDS; round += 1) ratios.push((await timeOf(found)) / (await timeOf(byHand)));
  const middle = ratios.toSorted((left, right) => left - right)[Math.floor(ROUNDS / 2)] ?? Number.NaN;
  console.log(
    `getOrSpawn, found: ${middle.toFixed(2)} x one indexed read (${ratios.map((ratio) => ratio.toFixed(2)).join(", ")})`,
  );
} finally {
  await server.stop();
}

/** Milliseconds for so many reads, one after the other. */
async function timeOf(read: (userId: string) => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  for (let index = 0; index < READS; index += 1) await read(`user-${index % USERS}`);
  return performance.now() - begin;
}
