/** The time in which getOrSpawn finds the live compute of a slot, as a ratio to one indexed read of the same row by hand. PostgreSQL, one caller. */
import { createAtlas } from "../../src/index.ts";
import { mock } from "../../src/providers/mock/index.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { startPostgres } from "../../test/stores/postgres-server.ts";
import { count, inDigits, inTurns, median, millisecondsOf, ratios, report } from "./figures.ts";

const USERS = count(500, 10);
const ROUNDS = count(11, 1);
const READS = count(1000, 10);

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
  const times = await inTurns(ROUNDS, { found: () => timeOf(found), byHand: () => timeOf(byHand) });
  report({
    measured: "`getOrSpawn` that finds its compute, PostgreSQL",
    ours: `${inDigits(median(times.found))} ms`,
    peer: `${inDigits(median(times.byHand))} ms`,
    ratio: ratios(times.found, times.byHand),
    budget: { limit: 1.3, better: "less" },
  });
} finally {
  await server.stop();
}

/** Milliseconds of one read, of many that follow each other. */
async function timeOf(read: (userId: string) => Promise<unknown>): Promise<number> {
  const milliseconds = await millisecondsOf(async () => {
    for (let index = 0; index < READS; index += 1) await read(`user-${index % USERS}`);
  });
  return milliseconds / READS;
}
