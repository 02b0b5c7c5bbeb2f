/** The schema in PostgreSQL. JSON from callers is stored as they sent it (`json`), because `jsonb` refuses some of it. */

import type { Migration } from "../sql/migration.ts";
import type { Names } from "../sql/names.ts";
import { migrationsOf } from "../sql/schema.ts";
import { functionsSql, namingChangeSql } from "./functions.ts";

/**
 * Makes writers of one namespace take turns until their transactions end, so that event ids rise in the order in which events become
 * visible. A function reads newer rows than the calling statement, whose view began before its turn came. A
 * transaction with only one view from beginning to end cannot do that; the function refuses it.
 */
const turn = (names: Names): string => `
create function ${names.qualified("turn")}(the_namespace text, the_id text, the_user text, with_usage boolean)
returns table (
  stored_version integer,
  live_computes integer,
  live_cost double precision,
  user_computes integer,
  user_cost double precision
)
language plpgsql as $function$
begin
  if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    raise exception using errcode = 'AT002', message = 'the store needs read committed transactions';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('${names.events} ' || the_namespace, 0));
  return query
    select
      (select c.version from ${names.computes} c where c.namespace = the_namespace and c.id = the_id),
      count(*)::integer,
      coalesce(sum(c.cost_per_hour), 0),
      (count(*) filter (where c.user_id = the_user))::integer,
      coalesce(sum(c.cost_per_hour) filter (where c.user_id = the_user), 0)
    from ${names.computes} c
    where with_usage and c.namespace = the_namespace and c.id <> the_id
      and c.status in ('pending', 'provisioning', 'running', 'stopped', 'uncertain', 'terminating');
end
$function$;
`;

/**
 * The turn of a writer that may take a slot: it also tells the other live compute that holds it. The function of the first migration stays,
 * because processes of the version before call it until they are replaced.
 */
const turnWithSlot = (names: Names): string => `
create function ${names.qualified("turn")}(
  the_namespace text, the_id text, the_tenant text, the_user text, the_slot text, with_usage boolean
)
returns table (
  stored_version integer,
  live_computes integer,
  live_cost double precision,
  user_computes integer,
  user_cost double precision,
  slot_holder text
)
language plpgsql as $function$
declare
  mine record;
begin
  select * into mine from ${names.qualified("turn")}(the_namespace, the_id, the_user, with_usage);
  return query
    select mine.stored_version, mine.live_computes, mine.live_cost, mine.user_computes, mine.user_cost, (
      select c.id::text from ${names.computes} c
      where c.namespace = the_namespace and coalesce(c.tenant_id, '') = coalesce(the_tenant, '')
        and c.user_id = the_user and c.slot = the_slot and c.id <> the_id
        and c.status in ('pending', 'provisioning', 'running', 'stopped', 'uncertain', 'terminating')
    );
end
$function$;
`;

/**
 * True when a process of that deployment may write here. A session plans the body of a function once; as a part of each statement it took as
 * long to plan as the rest of a small update.
 */
const owned = (names: Names): string => `
create function ${names.qualified("owned")}(the_deployment text) returns boolean
language plpgsql stable as $function$
begin
  return not exists (
    select from ${names.settings} s
    where (s.name = 'deployment' and s.value <> the_deployment)
      or (s.name = 'database' and s.value <> (
        select d.datname || ' ' || d.oid::text from pg_catalog.pg_database d where d.datname = current_database()
      ))
  );
end
$function$;
`;

/**
 * The costs since the first of the month. It takes a value of the writer's turn so that it runs after it, and reads what the writers before wrote.
 */
const monthCosts = (names: Names): string => `
create function ${names.qualified("month_costs")}(the_namespace text, the_user text, the_now timestamptz, the_turn integer)
returns table (month_cost double precision, user_month_cost double precision)
language plpgsql as $function$
declare
  month_begin timestamptz := date_trunc('month', the_now at time zone 'UTC') at time zone 'UTC';
begin
  return query
    select coalesce(sum(s.cost), 0), coalesce(sum(s.cost) filter (where s.user_id = the_user), 0)
    from (
      select l.user_id, l.cost from ${names.ledger} l
      where l.namespace = the_namespace and l.day >= to_char(month_begin at time zone 'UTC', 'YYYY-MM-DD')
        and l.day <= to_char(the_now at time zone 'UTC', 'YYYY-MM-DD')
      union all
      select c.user_id, greatest(0, extract(epoch from the_now - greatest(c.cost_since, month_begin))::double precision) / 3600 * c.cost_per_hour
      from ${names.computes} c
      where c.namespace = the_namespace and c.cost_since is not null
        and c.status in ('pending', 'provisioning', 'running', 'stopped', 'uncertain', 'terminating')
    ) s;
end
$function$;
`;

/** Every migration, oldest first. */
export const postgresMigrations: readonly Migration[] = migrationsOf(
  {
    id: 'text collate "C"',
    time: "timestamptz",
    real: "double precision",
    json: "json",
    eventId: "bigint generated always as identity primary key",
    position: "bigint",
    dayOf: (column) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD')`,
    table: "",
    keyedTable: "",
  },
  { 1: turn, 4: turnWithSlot, 8: owned, 9: functionsSql, 10: monthCosts, 12: namingChangeSql },
);
