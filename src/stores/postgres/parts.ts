/** Parts of statements that write the tokens and the event of a record. They follow a part `written (namespace, id)`, and do nothing if it is empty. */
import type { NewEvent } from "../../store.ts";
import { newEventColumns, newEventValues, type Values } from "../sql/columns.ts";
import { nowSql, type PostgresDatabase, valueSql } from "./database.ts";
import { messageSql } from "./message.ts";

/** Copies a record's tokens into the table by which a token finds its compute. */
export function tokensSql({ names }: PostgresDatabase): string {
  return `accepted as (
      select distinct value ->> 'hash' as hash, value ->> 'kind' as kind from json_array_elements(:tokens::json)
    ),
    dropped as (
      delete from ${names.tokens} t using written w
      where t.namespace = w.namespace and t.compute_id = w.id
        and not exists (select from accepted a where a.hash = t.hash and a.kind = t.kind)
    ),
    added as (
      insert into ${names.tokens} (namespace, hash, kind, compute_id)
      select w.namespace, a.hash, a.kind, w.id from written w cross join accepted a
      on conflict do nothing
    )`;
}

const own = Object.values(newEventColumns);
const columnsSql = own.map(({ name }) => name).join(", ");
const valuesSql = own.map(({ name, kind }) => valueSql({ name: `event_${name}`, kind })).join(", ");

/** Writes an event; its values are {@link eventParameters}. */
export function eventSql({ names }: PostgresDatabase): string {
  return `logged as (
      insert into ${names.events} (namespace, compute_id, at, ${columnsSql})
      select namespace, id, ${nowSql}, ${valuesSql} from written
      returning namespace, compute_id
    )`;
}

/** Announces new events to every listener, as soon as the statement is committed. */
export const announceSql: string = `(select pg_notify(:channel, ${messageSql("namespace", "compute_id")})::text from logged) as announced`;

/** The values that {@link eventSql} and {@link announceSql} name. */
export function eventParameters(database: PostgresDatabase, event: NewEvent): Values {
  const values = Object.entries(newEventValues(event)).map(([name, value]) => [`event_${name}`, value]);
  return { channel: database.channel, ...Object.fromEntries(values) };
}
