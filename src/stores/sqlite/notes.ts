/** Notes that expire. */
import { MAX_SWEPT_NOTES, type Note } from "../../store.ts";
import type { SqliteDatabase } from "./database.ts";
import { refuseStranger } from "./ownership.ts";

/** See `Store.remember`. */
export function remember(
  database: SqliteDatabase,
  { namespace, name, value, seconds }: Note,
): Promise<string> {
  const { notes } = database.names;
  return database.transaction("remember a note", () => {
    refuseStranger(database);
    const now = database.now();
    database.change(
      `delete from ${notes} where (namespace, name) in (
         select namespace, name from ${notes} where expires_at <= :now order by expires_at limit :limit
       )`,
      { now, limit: MAX_SWEPT_NOTES },
    );
    const row = database.first(
      `insert into ${notes} as n (namespace, name, value, expires_at) values (:namespace, :name, :value, :until)
       on conflict (namespace, name) do update set
         value = case when n.expires_at <= :now then excluded.value else n.value end,
         expires_at = case when n.expires_at <= :now then excluded.expires_at else n.expires_at end
       returning value`,
      { namespace, name, value, until: new Date(now.getTime() + seconds * 1000), now },
    );
    return String(row?.value);
  });
}
