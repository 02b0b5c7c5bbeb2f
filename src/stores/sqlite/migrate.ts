/** Brings an SQLite file up to date. */
import type { DatabaseSync } from "node:sqlite";
import { appliedSql, schemaTooNew } from "../sql/migration.ts";
import type { Names } from "../sql/names.ts";
import { sqliteMigrations } from "./schema.ts";
import { inTransaction } from "./transaction.ts";

/**
 * Applies the missing migrations. Of several processes at once one migrates, and the others find the work done.
 * @throws STORE_UNAVAILABLE when a later version of this package has migrated the file.
 */
export function migrate(connection: DatabaseSync, names: Names, now: Date): void {
  inTransaction(connection, () => {
    const applied = appliedMigrations(connection, names);
    if (applied > sqliteMigrations.length) throw schemaTooNew(sqliteMigrations);
    const record = connection.prepare(
      `insert into ${names.migrations} (number, name, applied_at) values (:number, :name, :applied_at)`,
    );
    for (const { number, name, sql } of sqliteMigrations.slice(applied)) {
      connection.exec(sql(names));
      record.run({ number, name, applied_at: now.getTime() });
    }
  });
}

function appliedMigrations(connection: DatabaseSync, names: Names): number {
  connection.exec(`
    create table if not exists ${names.migrations} (
      number integer primary key,
      name text not null,
      applied_at integer not null
    ) strict
  `);
  const row = connection.prepare(appliedSql(names)).get();
  return Number(row?.applied);
}
