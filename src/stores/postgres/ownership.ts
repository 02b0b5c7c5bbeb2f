/** The deployment and the database to which a store belongs, in the settings; every writing statement carries the condition. */
import { ACCOUNT_NOTE, type Deployment, differs, notOwned } from "../../store.ts";
import { endedColumnsSql, isLiveSql } from "../sql/statements.ts";
import { nowSql, type PostgresDatabase } from "./database.ts";

/** The name and the number of the database that the connection is in. A copy from a template has other ones. */
const databaseSql =
  "(select d.datname || ' ' || d.oid::text from pg_catalog.pg_database d where d.datname = current_database())";

/** The condition that this process may write, judged once a statement; see the migration that created the function. */
export function ownedSql({ names }: PostgresDatabase): string {
  return `(select ${names.qualified("owned")}(:deployment::text))`;
}

/** Stamps the store of a deployment that wrote into a part `written`, unless it is stamped already. */
export function stampSql({ names }: PostgresDatabase): string {
  return `stamped as (
      insert into ${names.settings} (name, value)
      select mark.name, mark.value
      from (values ('deployment', :deployment::text), ('database', ${databaseSql})) mark (name, value)
      where :deployment::text is not null and exists (select from written)
        and not exists (select from ${names.settings} s where s.name = mark.name)
      on conflict (name) do nothing
    )`;
}

/** See `Store.requireOwnership`. */
export async function requireOwnership(database: PostgresDatabase): Promise<void> {
  const { settings } = database.names;
  const row = await database.first(
    "read to which deployment it belongs",
    `select :deployment::text as own_name, ${databaseSql} as own_database,
      (select value from ${settings} where name = 'deployment') as name,
      (select value from ${settings} where name = 'database') as database`,
  );
  const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
  const stored: Deployment = { name: text(row?.name), database: text(row?.database) };
  const own: Deployment = { name: text(row?.own_name), database: text(row?.own_database) };
  if (differs(stored, own)) throw notOwned(stored, own);
}

/** See `Store.adopt`. */
export async function adopt(database: PostgresDatabase, as: "moved" | "copy"): Promise<number> {
  const { settings, computes, events, notes } = database.names;
  const row = await database.first(
    "adopt it",
    `with marks as (
      insert into ${settings} (name, value)
      select mark.name, mark.value
      from (values ('deployment', :deployment::text), ('database', ${databaseSql}), ('identity', :identity::text)) mark (name, value)
      where mark.value is not null
      on conflict (name) do update set value = excluded.value
    ),
    accounts as (
      delete from ${notes} where name like '${ACCOUNT_NOTE}%'
    ),
    ended as (
      update ${computes} c set ${endedColumnsSql(nowSql)}
      where :identity::text is not null and c.${isLiveSql}
      returning c.namespace, c.id, c.cost_per_hour, c.cost_before
    ),
    logged as (
      insert into ${events} (namespace, compute_id, at, type, status, reason, cost_so_far, data)
      select namespace, id, ${nowSql}, 'state', 'terminated', 'abandoned',
        case when cost_per_hour is null then null else cost_before end, '{"adopted":"copy"}'
      from ended
    )
    select count(*)::text as ended from ended`,
    { identity: as === "copy" ? crypto.randomUUID() : null },
  );
  return Number(row?.ended);
}
