/** The deployment to which a store belongs, in the settings. */
import { ACCOUNT_NOTE, differs, notOwned } from "../../store.ts";
import { endedColumnsSql, isLiveSql } from "../sql/statements.ts";
import type { SqliteDatabase } from "./database.ts";

/** Refuses a write of another deployment; the caller holds a transaction. @throws CONFLICT */
export function refuseStranger(database: SqliteDatabase): void {
  const row = database.first(`select value from ${database.names.settings} where name = 'deployment'`);
  const stored = { name: row && String(row.value), database: undefined };
  const own = { name: database.deployment, database: undefined };
  if (differs(stored, own)) throw notOwned(stored, own);
}

/** Stamps the deployment on a store that has no stamp yet. */
export function stamp(database: SqliteDatabase): void {
  if (database.deployment !== undefined) setMark(database, "deployment", database.deployment, "do nothing");
}

/** See `Store.requireOwnership`. */
export function requireOwnership(database: SqliteDatabase): Promise<void> {
  return database.run("read to which deployment it belongs", () => refuseStranger(database));
}

/** See `Store.adopt`. */
export function adopt(database: SqliteDatabase, as: "moved" | "copy"): Promise<number> {
  const overwrite = "(name) do update set value = excluded.value";
  return database.transaction("adopt it", () => {
    if (database.deployment !== undefined) setMark(database, "deployment", database.deployment, overwrite);
    database.change(`delete from ${database.names.notes} where name like '${ACCOUNT_NOTE}%'`, {});
    if (as === "moved") return 0;
    setMark(database, "identity", crypto.randomUUID(), overwrite);
    return endAll(database);
  });
}

function setMark(database: SqliteDatabase, name: string, value: string, onConflict: string): void {
  const { settings } = database.names;
  const sql = `insert into ${settings} (name, value) values (:name, :value) on conflict ${onConflict}`;
  database.change(sql, { name, value });
}

function endAll(database: SqliteDatabase): number {
  const { computes, events } = database.names;
  const now = database.now();
  database.change(
    `insert into ${events} (namespace, compute_id, at, type, status, reason, cost_so_far, data)
     select namespace, id, :now, 'state', 'terminated', 'abandoned', iif(cost_per_hour is null, null, cost_before), '{"adopted":"copy"}'
     from ${computes} where ${isLiveSql}`,
    { now },
  );
  return database.change(`update ${computes} set ${endedColumnsSql(":now")} where ${isLiveSql}`, { now });
}
