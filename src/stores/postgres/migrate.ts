/** Brings a PostgreSQL schema up to date. */
import type { Migrations } from "../../store.ts";
import { appliedSql, type Migration } from "../sql/migration.ts";
import type { Names } from "../sql/names.ts";
import type { PostgresDatabase } from "./database.ts";
import { SCHEMA_TOO_NEW } from "./errors.ts";
import { postgresMigrations } from "./schema.ts";

/**
 * Applies the missing migrations in one statement, so that a pool runs it whole on any connection. Of several callers at once one migrates,
 * and the others wait.
 */
export async function migrate(database: PostgresDatabase, schema: string): Promise<void> {
  const { names } = database;
  await database.query(
    "migrate",
    `do $migrate$
declare
  applied integer;
begin
  perform pg_advisory_xact_lock(hashtextextended('atlas-compute migrate', 0));
  if not exists (select from pg_namespace where nspname = '${schema}') then
    create schema "${schema}";
  end if;
  create table if not exists ${names.migrations} (
    number integer primary key,
    name text not null,
    applied_at timestamptz not null default statement_timestamp()
  );
  applied := (${appliedSql(names)});
  if applied > ${postgresMigrations.length} then
    raise exception using errcode = '${SCHEMA_TOO_NEW}', message = 'the schema is newer than the code';
  end if;
${postgresMigrations.map((migration) => step(migration, names)).join("")}
end
$migrate$`,
  );
}

function step({ number, name, sql }: Migration, names: Names): string {
  return `
  if applied < ${number} then
    ${sql(names)}
    insert into ${names.migrations} (number, name) values (${number}, '${name}');
  end if;`;
}

/** See `Store.migrations`. */
export async function migrations(database: PostgresDatabase): Promise<Migrations> {
  const row = await database.first("count its migrations", appliedSql(database.names));
  return { applied: Number(row?.applied), known: postgresMigrations.length };
}
