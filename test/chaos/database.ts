/** What a run reads in the database, past the store. */
import type pg from "pg";
import { type ComputeStatus, isLive, liveStatuses } from "../../src/store.ts";
import type { Peaks } from "./messages.ts";

/** A row, as far as the findings need it. */
export interface ComputeRow {
  readonly id: string;
  readonly name: string;
  readonly status: ComputeStatus;
  readonly reason: string | null;
  readonly providerId: string | null;
  readonly userId: string;
  readonly tokens: readonly { readonly hash: string }[];
}

/** Every compute. */
export async function readComputes(pool: pg.Pool): Promise<readonly ComputeRow[]> {
  const { rows } = await pool.query<ComputeRow>(
    `select id, name, status, reason, provider_id as "providerId", user_id as "userId", tokens from atlas_computes`,
  );
  return rows;
}

/** What the live rows come to, in one look. */
export async function readUsage(pool: pg.Pool): Promise<Peaks> {
  const { rows } = await pool.query<Peaks>(
    `with users as (
       select count(*)::integer as computes, coalesce(sum(cost_per_hour), 0) as cost
       from atlas_computes where status = any($1) group by user_id
     )
     select coalesce(sum(computes), 0)::integer as computes, coalesce(max(computes), 0) as "computesPerUser",
       coalesce(sum(cost), 0) as "costPerHour", coalesce(max(cost), 0) as "costPerHourPerUser"
     from users`,
    [liveStatuses],
  );
  const [usage] = rows;
  if (usage === undefined) throw new Error("a sum has a row");
  return usage;
}

/** The most computes that were ever live at once, by the events: each is written with its change, in the order of the changes. */
export async function replayEvents(pool: pg.Pool): Promise<Pick<Peaks, "computes" | "computesPerUser">> {
  const { rows } = await pool.query<{ computeId: string; userId: string; status: ComputeStatus }>(
    `select e.compute_id as "computeId", c.user_id as "userId", e.status
     from atlas_events e join atlas_computes c on c.namespace = e.namespace and c.id = e.compute_id order by e.id`,
  );
  const live = new Map<string, Set<string>>();
  let computes = 0;
  let computesPerUser = 0;
  for (const { computeId, userId, status } of rows) {
    const own = live.get(userId) ?? new Set();
    live.set(userId, isLive(status) ? own.add(computeId) : without(own, computeId));
    computesPerUser = Math.max(computesPerUser, own.size);
    computes = Math.max(
      computes,
      [...live.values()].reduce((sum, { size }) => sum + size, 0),
    );
  }
  return { computes, computesPerUser };
}

function without(set: Set<string>, item: string): Set<string> {
  set.delete(item);
  return set;
}

/** Everything in every table, as text. */
export async function dump(pool: pg.Pool): Promise<string> {
  const tables = await pool.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_schema not in ('pg_catalog', 'information_schema')`,
  );
  const texts = await Promise.all(
    tables.rows.map(async ({ name }) => {
      const { rows } = await pool.query<{ row: string }>(`select t::text as row from ${name} t`);
      return [name, ...rows.map(({ row }) => row)].join("\n");
    }),
  );
  return texts.join("\n");
}
