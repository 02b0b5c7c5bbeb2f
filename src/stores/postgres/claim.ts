/** Claims of due records, and the store's identity. */
import type { Claim, Snapshot } from "../../store.ts";
import { longestDueFirst } from "../sql/rules.ts";
import { nowSql, type PostgresDatabase } from "./database.ts";
import { ownedSql, requireOwnership } from "./ownership.ts";
import { nowColumnSql, readNow, readRecord, rowSql } from "./rows.ts";

/** See `Store.claimDue`. Records that another claim has locked are skipped, not waited for. */
export async function claimDue(database: PostgresDatabase, claim: Claim): Promise<readonly Snapshot[]> {
  const { computes } = database.names;
  const rows = await database.query(
    "claim what is due",
    `with due as (
      select namespace, id from ${computes}
      where namespace = :namespace and due_at <= ${nowSql} and (lease_until is null or lease_until <= ${nowSql})
        and ${ownedSql(database)}
      order by due_at
      limit :limit::integer
      for no key update skip locked
    )
    update ${computes} c set
      lease = :lease,
      lease_until = date_trunc('milliseconds', ${nowSql} + :seconds::double precision * interval '1 second'),
      version = c.version + 1
    from due
    where c.namespace = due.namespace and c.id = due.id
    returning ${rowSql("c")}, ${nowColumnSql}`,
    { namespace: claim.namespace, lease: claim.lease, seconds: claim.leaseSeconds, limit: claim.limit },
  );
  if (rows.length === 0) await requireOwnership(database);
  return rows.map((row) => ({ record: readRecord(row), now: readNow(row) })).sort(longestDueFirst);
}

/** See `Store.identity`. Of several callers at once the first one's identity is kept. */
export async function identity(database: PostgresDatabase): Promise<string> {
  const { settings } = database.names;
  const row = await database.first(
    "read its identity",
    `with found as (
      select value from ${settings} where name = 'identity'
    ), made as (
      insert into ${settings} as s (name, value)
      select 'identity', :made::text where not exists (select from found)
      on conflict (name) do update set value = s.value
      returning value
    )
    select value from found union all select value from made`,
    { made: crypto.randomUUID() },
  );
  return String(row?.value);
}
