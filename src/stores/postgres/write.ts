/** The calls that change a compute. Each is one statement, put together from the parts in `parts.ts`. */
import {
  type ComputeRecord,
  checkLimits,
  type Limits,
  type NewEvent,
  slotKeyOf,
  slotTaken,
} from "../../store.ts";
import { recordColumns, recordValues } from "../sql/columns.ts";
import { isLimited, taken } from "../sql/rules.ts";
import { isLiveSql } from "../sql/statements.ts";
import { type PostgresDatabase, valueSql } from "./database.ts";
import { ownedSql, requireOwnership, stampSql } from "./ownership.ts";
import { announceSql, eventParameters, eventSql, tokensSql } from "./parts.ts";
import { getByIdempotencyKey } from "./read.ts";
import { holderOf, limitParameters, toUsage, turnSql, usageSql, withinSql } from "./turn.ts";

const columns = Object.values(recordColumns);
const columnsSql = columns.map(({ name }) => name).join(", ");
const valuesSql = columns.map(valueSql).join(", ");

/** See `Store.insert`. */
export async function insert(
  database: PostgresDatabase,
  record: ComputeRecord,
  event: NewEvent,
  limits: Limits,
): Promise<ComputeRecord | undefined> {
  const row = await database.first(
    "record a compute",
    `with ${turnSql(database, limits)},
    written as (
      insert into ${database.names.computes} (${columnsSql})
      select ${valuesSql} from turn where ${withinSql(record, limits)} and ${ownedSql(database)}
      on conflict do nothing
      returning namespace, id
    ),
    ${tokensSql(database)},
    ${eventSql(database)},
    ${stampSql(database)}
    select ${usageSql}, (select count(*) from written)::text as written, ${announceSql} from turn`,
    { ...recordValues(record), ...eventParameters(database, event), ...limitParameters(limits) },
  );
  if (row?.written === "1") return undefined;
  await requireOwnership(database);
  const key = record.idempotencyKey;
  const existing = key === null ? undefined : await getByIdempotencyKey(database, record.namespace, key);
  if (existing !== undefined) return existing.record;
  const holder = holderOf(record, row);
  if (holder !== undefined) throw slotTaken(record, holder);
  checkLimits(record, toUsage(row), limits);
  throw taken(record);
}

/** See `Store.replace`. */
export async function replace(
  database: PostgresDatabase,
  record: ComputeRecord,
  event: NewEvent | undefined,
  limits: Limits = {},
): Promise<boolean> {
  if (event === undefined && !isLimited(limits)) {
    if (await replaceQuietly(database, record)) return true;
    await requireOwnership(database);
    if (slotKeyOf(record) === undefined) return false;
  }
  const row = await database.first(
    "change a compute",
    `with ${turnSql(database, limits)},
    written as (
      update ${database.names.computes} c set (${columnsSql}) = row (${valuesSql}) from turn
      where ${isPreviousSql} and ${withinSql(record, limits)} and ${ownedSql(database)}
      returning c.namespace, c.id
    ),
    ${tokensSql(database)}${event === undefined ? "" : `, ${eventSql(database)}`}
    select ${usageSql}, (select count(*) from written)::text as written,
      turn.stored_version::text as stored_version${event === undefined ? "" : `, ${announceSql}`}
    from turn`,
    {
      ...recordValues(record),
      ...limitParameters(limits),
      ...(event && eventParameters(database, event)),
    },
  );
  if (row?.written === "1") return true;
  await requireOwnership(database);
  if (row?.stored_version !== String(record.version - 1)) return false;
  const holder = holderOf(record, row);
  if (holder !== undefined) throw slotTaken(record, holder);
  checkLimits(record, toUsage(row), limits);
  return false;
}

/** Replaces a record without an event and without limits, which needs no turn: a slot that it holds, it held before. */
async function replaceQuietly(database: PostgresDatabase, record: ComputeRecord): Promise<boolean> {
  const row = await database.first(
    "change a compute",
    `with written as (
      update ${database.names.computes} c set (${columnsSql}) = row (${valuesSql})
      where ${isPreviousSql} and ${slotKeyOf(record) === undefined ? "true" : holdsAlreadySql}
        and ${ownedSql(database)}
      returning c.namespace, c.id
    ),
    ${tokensSql(database)}
    select count(*)::text as written from written`,
    recordValues(record),
  );
  return row?.written === "1";
}

const holdsAlreadySql = `c.user_id = :user_id and c.slot = :slot and c.${isLiveSql}
  and coalesce(c.tenant_id, '') = coalesce(:tenant_id, '')`;

const isPreviousSql = "c.namespace = :namespace and c.id = :id and c.version = :version::integer - 1";
