/**
 * The rates of `touch` and of a pod's heartbeat, as ratios to the rate of one bare indexed update of the same row. PostgreSQL, one caller, with
 * statements that each call plans anew, and with prepared ones.
 */
import { createAtlas } from "../../src/index.ts";
import { mock } from "../../src/providers/mock/index.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { startPostgres } from "../../test/stores/postgres-server.ts";
import { count, inDigits, median, millisecondsOf, ratios, report } from "./figures.ts";

const COMPUTES = count(200, 5);
const WRITES = count(2000, 10);

const server = await startPostgres();
try {
  for (const prepare of [false, true]) await measure(prepare);
} finally {
  await server.stop();
}

async function measure(prepare: boolean): Promise<void> {
  const pool = server.pool();
  const store = postgresStore(pool, { schema: prepare ? "prepared" : "planned", prepare });
  await store.migrate();
  const provider = mock();
  const atlas = createAtlas({
    providers: [provider],
    store,
    deployment: "bench",
    controlUrl: "http://127.0.0.1:1/api/atlas",
  });
  const spawned = Array.from({ length: COMPUTES }, () => atlas.spawnCompute({ ports: [8000] }));
  const ids = (await Promise.all(spawned)).map(({ id }) => id);
  const podTokens = new Map(
    provider.instances.map(({ env }) => [env.ATLAS_COMPUTE_ID ?? "", env.ATLAS_POD_TOKEN]),
  );
  await pool.query("analyze");
  const byHand = (id: string): Promise<unknown> =>
    pool.query(
      `update ${prepare ? "prepared" : "planned"}.atlas_computes set last_active_at = now(), version = version + 1
       where namespace = 'default' and id = $1`,
      [id],
    );
  const subjects = {
    touch: (id: string): Promise<unknown> => atlas.touch(id),
    "a heartbeat with its credential": async (id: string): Promise<unknown> =>
      (await atlas.findByPodToken(podTokens.get(id)))?.heartbeat(["requests"]),
  };
  for (const id of ids) await subjects["a heartbeat with its credential"](id);
  for (const [what, write] of Object.entries(subjects)) {
    const bare: number[] = [];
    const own: number[] = [];
    for (let index = 0; index < WRITES; index += 1) {
      const id = ids[index % ids.length] ?? "";
      bare.push(await millisecondsOf(() => byHand(id)));
      own.push(await millisecondsOf(() => write(id)));
    }
    report({
      measured: `rate of ${what}, ${prepare ? "prepared" : "planned at each call"}`,
      ours: `${inDigits(median(own))} ms`,
      peer: `an update, ${inDigits(median(bare))} ms`,
      ratio: median(ratios(bare, own)),
      budget: { limit: 0.5, better: "more" },
    });
  }
  await atlas.close();
}
