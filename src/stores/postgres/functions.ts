/**
 * The functions in the database for the calls that come most often. PostgreSQL plans a statement at every call, unless it is prepared by name, which
 * does not survive a pooler in transaction mode. A connection keeps the plans of a function, however it is reached.
 */
import { type Column, newEventColumns } from "../sql/columns.ts";
import { minorColumns } from "../sql/minor.ts";
import type { Names } from "../sql/names.ts";
import { messageSql } from "./message.ts";
import { typeSql } from "./types.ts";

/** Selects a row for `readRecord` and `readNow`, inside a function. */
const snapshotSql = `row_to_json(c)::text,
      (extract(epoch from date_trunc('milliseconds', coalesce(the_now, statement_timestamp()))) * 1000)::bigint::text`;

/** The functions that read the snapshots of computes. */
const reads = ({ computes, tokens, qualified }: Names): string => `
create function ${qualified("compute_by_id")}(the_namespace text, the_id text, the_now timestamptz)
returns table (whole text, now text) language plpgsql stable as $function$
begin
  return query select ${snapshotSql}
    from ${computes} c where c.namespace = the_namespace and c.id = the_id;
end
$function$;
create function ${qualified("computes_by_token")}(the_namespace text, the_hash text, the_kind text, the_now timestamptz)
returns table (whole text, now text) language plpgsql stable as $function$
begin
  return query select ${snapshotSql}
    from ${tokens} t join ${computes} c on c.namespace = t.namespace and c.id = t.compute_id
    where t.namespace = the_namespace and t.hash = the_hash and t.kind = the_kind;
end
$function$;
`;

const eventColumns: readonly Column[] = Object.values(newEventColumns);
const parameters = [
  ...minorColumns.map(({ name, kind }) => ({ name: `the_${name}`, kind })),
  ...eventColumns.map(({ name, kind }) => ({ name: `event_${name}`, kind })),
];

/** True when a change sets the column always; the reports stay where none are given, because they can be long. */
const settingSql = ({ name }: Column): string =>
  `${name} = ${name === "reports" ? "coalesce(the_reports, c.reports)" : `the_${name}`}`;

/**
 * Writes a minor change and its event, and tells whether it did. A writer of an event takes the turn of its namespace first, as in the function of
 * the first migration. `message` is the SQL of what the listeners hear.
 */
const change = ({ computes, events, qualified }: Names, message: string): string => `
create or replace function ${qualified("change")}(
  the_namespace text, the_id text, ${parameters.map(({ name, kind }) => `${name} ${typeSql[kind]}`).join(", ")},
  the_now timestamptz, the_deployment text, the_channel text
) returns boolean
language plpgsql as $function$
begin
  if not ${qualified("owned")}(the_deployment) then
    return false;
  end if;
  if event_type is not null then
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
      raise exception using errcode = 'AT002', message = 'the store needs read committed transactions';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('${events} ' || the_namespace, 0));
  end if;
  update ${computes} c set ${minorColumns.map(settingSql).join(", ")}
  where c.namespace = the_namespace and c.id = the_id and c.version = the_version - 1;
  if not found then
    return false;
  end if;
  if event_type is not null then
    insert into ${events} (namespace, compute_id, at, ${eventColumns.map(({ name }) => name).join(", ")})
    values (
      the_namespace, the_id, date_trunc('milliseconds', coalesce(the_now, statement_timestamp())),
      ${eventColumns.map(({ name }) => `event_${name}`).join(", ")}
    );
    perform pg_notify(the_channel, ${message});
  end if;
  return true;
end
$function$;
`;

/** Creates every function, in the migration that brought them. */
export function functionsSql(names: Names): string {
  return reads(names) + change(names, "the_namespace");
}

/** Replaces the function of changes by one whose message names the compute. */
export function namingChangeSql(names: Names): string {
  return change(names, messageSql("the_namespace", "the_id"));
}

/** Calls {@link change} with named values; those of the event may be null. */
export function changeSql({ qualified }: Names): string {
  return `select ${qualified("change")}(
    :namespace, :id, ${[...minorColumns.map(({ name }) => `:${name}`), ...eventColumns.map(({ name }) => `:event_${name}`)].join(", ")},
    :now, :deployment, :channel
  )::text as written`;
}
