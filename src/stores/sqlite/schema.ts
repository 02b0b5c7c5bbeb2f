/** The schema in SQLite. Times are whole milliseconds since 1970. */
import type { Migration } from "../sql/migration.ts";
import { migrationsOf } from "../sql/schema.ts";

/** Every migration, oldest first. */
export const sqliteMigrations: readonly Migration[] = migrationsOf({
  id: "text",
  time: "integer",
  real: "real",
  json: "text",
  eventId: "integer primary key autoincrement",
  position: "integer",
  dayOf: (column) => `strftime('%Y-%m-%d', ${column} / 1000, 'unixepoch')`,
  table: " strict",
  keyedTable: " strict, without rowid",
});
