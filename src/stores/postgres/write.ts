/** The calls that change a compute. Each is one statement, put together from the parts in `parts.ts`. */
import { isDeepStrictEqual } from "node:util";
import {
  type ComputeRecord,
  checkLimits,
  type DaySpending,
  type Limits,
  type NewEvent,
  type Replacing,
  slotKeyOf,
  slotTaken,
} from "../../store.ts";
import { changedFields, changedValues, columnsOf, recordColumns, recordValues } from "../sql/columns.ts";
import { isMinor } from "../sql/minor.ts";
import { isLimited, taken } from "../sql/rules.ts";
import { type PostgresDatabase, valueSql } from "./database.ts";
import { changeSql } from "./functions.ts";
import { spentParameters, spentSql } from "./ledger.ts";
import { ownedSql, requireOwnership, stampSql } from "./ownership.ts";
import { announceSql, eventParameters, eventSql, tokensSql } from "./parts.ts";
import { getByIdempotencyKey } from "./read.ts";
import { eventTurnSql, holderOf, limitParameters, toUsage, turnSql, usageSql, withinSql } from "./turn.ts";

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
  { limits = {}, before, spent = [] }: Replacing = {},
): Promise<boolean> {
  const changed = changedFields(record, before);
  if (isLimited(limits) || takesSlot(record, before))
    return replaceWithin(database, { record, event, limits, changed, spent });
  const write = isMinor(changed) && spent.length === 0 ? replaceMinor : replaceInTurn;
  const isWritten = await write(database, { record, event, changed, spent });
  if (!isWritten) await requireOwnership(database);
  return isWritten;
}

/** A replacement, and the fields that it changes. */
interface Replacement {
  readonly record: ComputeRecord;
  readonly event: NewEvent | undefined;
  readonly changed: Partial<ComputeRecord>;
  readonly spent: readonly DaySpending[];
}

/** Replaces a record in its writer's turn, unless the usage of the namespace or the holder of a slot forbids it. */
async function replaceWithin(
  database: PostgresDatabase,
  { record, event, limits, changed, spent }: Replacement & { readonly limits: Limits },
): Promise<boolean> {
  const row = await database.first(
    "change a compute",
    `with ${turnSql(database, limits)},
    written as (
      ${updateSql(database, changed, "from turn")} and ${withinSql(record, limits)}
      returning c.namespace, c.id
    ),
    ${tokensSql(database)}${event === undefined ? "" : `, ${eventSql(database)}`}${spentSql(database, spent)}
    select ${usageSql}, (select count(*) from written)::text as written,
      turn.stored_version::text as stored_version${event === undefined ? "" : `, ${announceSql}`}
    from turn`,
    {
      ...recordValues(record),
      ...limitParameters(limits),
      ...(event && eventParameters(database, event)),
      ...spentParameters(record, spent),
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

/** Writes a minor change through the function in the database, which takes a turn only for an event. */
async function replaceMinor(
  database: PostgresDatabase,
  { record, event, changed }: Omit<Replacement, "spent">,
): Promise<boolean> {
  const row = await database.first("change a compute", changeSql(database.names), {
    ...recordValues(record),
    // Reports can be long, so those that stay are not sent.
    ...(changed.reports === undefined && { reports: null }),
    ...(event && eventParameters(database, event)),
  });
  return row?.written === "true";
}

/** Replaces a record in its writer's turn. The ledger needs it too, so that no two writers wait for each other's sums. */
async function replaceInTurn(
  database: PostgresDatabase,
  { record, event, changed, spent }: Replacement,
): Promise<boolean> {
  const row = await database.first(
    "change a compute",
    `with ${eventTurnSql(database)},
    written as (${updateSql(database, changed, "from turn")} returning c.namespace, c.id)
    ${changed.tokens === undefined ? "" : `, ${tokensSql(database)}`}
    ${event === undefined ? "" : `, ${eventSql(database)}`}
    ${spentSql(database, spent)}
    select ${event === undefined ? "id" : announceSql} from written`,
    {
      ...changedValues(record, changed),
      ...(event && eventParameters(database, event)),
      ...spentParameters(record, spent),
    },
  );
  return row !== undefined;
}

/** Writes the changed columns of the record before. Further conditions may follow. */
function updateSql(database: PostgresDatabase, changed: Partial<ComputeRecord>, from = ""): string {
  const settings = columnsOf(changed).map((column) => `${column.name} = ${valueSql(column)}`);
  return `update ${database.names.computes} c set ${settings.join(", ")} ${from}
    where c.namespace = :namespace and c.id = :id and c.version = :version::integer - 1 and ${ownedSql(database)}`;
}

/** True when the record holds a slot that the record before did not hold. */
function takesSlot(record: ComputeRecord, before: ComputeRecord | undefined): boolean {
  const key = slotKeyOf(record);
  return key !== undefined && !isDeepStrictEqual(key, before && slotKeyOf(before));
}
