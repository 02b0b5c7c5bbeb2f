/** Notes that expire. */
import { MAX_SWEPT_NOTES, type Note } from "../../store.ts";
import { nowSql, type PostgresDatabase } from "./database.ts";
import { ownedSql, requireOwnership } from "./ownership.ts";

/** See `Store.remember`. The statement that deletes waits for no other, and the one that writes locks one row: no two calls wait for each other in a circle. */
export async function remember(
  database: PostgresDatabase,
  { namespace, name, value, seconds }: Note,
): Promise<string> {
  const { notes } = database.names;
  await database.query(
    "delete expired notes",
    `with expired as (
      select namespace, name from ${notes} where expires_at <= ${nowSql} and ${ownedSql(database)}
      order by expires_at limit :limit::integer for update skip locked
    )
    delete from ${notes} n using expired where n.namespace = expired.namespace and n.name = expired.name`,
    { limit: MAX_SWEPT_NOTES },
  );
  const row = await database.first(
    "remember a note",
    `insert into ${notes} as n (namespace, name, value, expires_at)
    select :namespace::text, :name::text, :value::text,
      date_trunc('milliseconds', ${nowSql} + :seconds::double precision * interval '1 second')
    where ${ownedSql(database)}
    on conflict (namespace, name) do update set
      value = case when n.expires_at <= ${nowSql} then excluded.value else n.value end,
      expires_at = case when n.expires_at <= ${nowSql} then excluded.expires_at else n.expires_at end
    returning value`,
    { namespace, name, value, seconds },
  );
  if (row === undefined) await requireOwnership(database);
  return String(row?.value);
}
