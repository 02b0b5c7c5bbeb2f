/** Deleting what retention lets go. */
import type { Forgetting, Store } from "../../store.ts";
import type { PostgresDatabase } from "./database.ts";
import { ownedSql } from "./ownership.ts";

/** See `Store.forget`. One statement; a record that another pass has locked is skipped. */
export async function forget(
  database: PostgresDatabase,
  { namespace, endedBefore, computeIds, eventsPerCompute, ledgerBefore, limit }: Forgetting,
): ReturnType<Store["forget"]> {
  const { computes, events, ledger } = database.names;
  const row = await database.first(
    "forget what is old",
    `with old as (
      select namespace, id from ${computes}
      where namespace = :namespace and ended_at < :ended_before::timestamptz and status in ('terminated', 'failed')
        and ${ownedSql(database)}
      order by ended_at
      limit :limit::integer
      for update skip locked
    ),
    gone as (
      delete from ${computes} c using old where c.namespace = old.namespace and c.id = old.id returning 1
    ),
    old_sums as (
      select namespace, day, tenant_id, user_id, provider, gpu from ${ledger}
      where namespace = :namespace and day < :ledger_before::text and ${ownedSql(database)}
      order by day
      limit :limit::integer
      for update skip locked
    ),
    gone_sums as (
      delete from ${ledger} l using old_sums o
      where (l.namespace, l.day, l.tenant_id, l.user_id, l.provider, l.gpu) = (o.namespace, o.day, o.tenant_id, o.user_id, o.provider, o.gpu)
    ),
    surplus as (
      select e.id
      from json_array_elements_text(:ids::json) wanted (id) cross join lateral (
        select x.id from ${events} x where x.namespace = :namespace and x.compute_id = wanted.id
        order by x.id desc offset :keep::integer
      ) e
      where ${ownedSql(database)}
      order by e.id
      limit :limit::integer
    ),
    dropped as (
      delete from ${events} e using surplus where e.id = surplus.id returning 1
    )
    select (select count(*) from gone)::text as computes, (select count(*) from dropped)::text as events`,
    {
      namespace,
      ended_before: endedBefore,
      ids: JSON.stringify(computeIds),
      keep: eventsPerCompute,
      ledger_before: ledgerBefore ?? null,
      limit,
    },
  );
  return { computes: Number(row?.computes), events: Number(row?.events) };
}
