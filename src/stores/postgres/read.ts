/** The calls that only read, each with its statement. */
import type {
  ComputeEvent,
  ComputeRecord,
  EventFilter,
  Page,
  RecordFilter,
  SlotKey,
  Snapshot,
  TokenHash,
  Total,
  TotalsQuery,
} from "../../store.ts";
import type { Row } from "../sql/columns.ts";
import { accepts, eventPosition } from "../sql/rules.ts";
import { type Dialect, holdsSlotSql, listSql, slotValues } from "../sql/statements.ts";
import { readTotal, totalsSql } from "../sql/totals.ts";
import { millisecondsSql, nowSql, type PostgresDatabase } from "./database.ts";
import { nowColumnSql, readEvent, readNow, readRecord, rowSql } from "./rows.ts";

const snapshotSql = `${rowSql("c")}, ${nowColumnSql}`;

/** See `Store.now`. */
export async function now(database: PostgresDatabase): Promise<Date> {
  const row = await database.first("tell the time", `select ${nowColumnSql}`);
  return readNow(row);
}

/** See `Store.get`. */
export async function get(
  database: PostgresDatabase,
  namespace: string,
  id: string,
): Promise<Snapshot | undefined> {
  const row = await database.first(
    "read a compute",
    `select * from ${database.names.qualified("compute_by_id")}(:namespace, :id, :now)`,
    { namespace, id },
  );
  return row && toSnapshot(row);
}

/** See `Store.getByIdempotencyKey`. */
export async function getByIdempotencyKey(
  database: PostgresDatabase,
  namespace: string,
  key: string,
): Promise<Snapshot | undefined> {
  const row = await database.first(
    "look up an idempotency key",
    `select ${snapshotSql} from ${database.names.computes} c
     where c.namespace = :namespace and c.idempotency_key = :key`,
    { namespace, key },
  );
  return row && toSnapshot(row);
}

/** See `Store.getBySlot`. */
export async function getBySlot(database: PostgresDatabase, key: SlotKey): Promise<Snapshot | undefined> {
  const row = await database.first(
    "look up a slot",
    `select ${snapshotSql} from ${database.names.computes} c where ${holdsSlotSql}`,
    slotValues(key),
  );
  return row && toSnapshot(row);
}

/** See `Store.getByTokenHash`. */
export async function getByTokenHash(
  database: PostgresDatabase,
  namespace: string,
  hash: string,
  kind: TokenHash["kind"],
): Promise<Snapshot | undefined> {
  const rows = await database.query(
    "look up a token",
    `select * from ${database.names.qualified("computes_by_token")}(:namespace, :hash, :kind, :now)`,
    { namespace, hash, kind },
  );
  return rows.map(toSnapshot).find((snapshot) => accepts(snapshot.record, hash, kind, snapshot.now));
}

const dialect: Dialect = {
  eachOf: (parameter) => `select json_array_elements_text(${parameter}::json)`,
  contains: (column, parameter) => `strpos(${column}, ${parameter}::text) > 0`,
  sorting: (column) => column,
};

/** See `Store.list`. */
export async function list(
  database: PostgresDatabase,
  filter: RecordFilter,
  page: Page,
): Promise<readonly ComputeRecord[]> {
  const { sql, values } = listSql(filter, page, dialect);
  const rows = await database.query(
    "list computes",
    `select ${rowSql("c")} from (select * from ${database.names.computes} ${sql}) c
     order by c.created_at desc, c.id desc`,
    values,
  );
  return rows.map(readRecord);
}

/** See `Store.totals`. */
export async function totals(database: PostgresDatabase, query: TotalsQuery): Promise<readonly Total[]> {
  const { sql, values } = totalsSql(query, database.names.computes, dialect, {
    // The time once and not for each row, and `date_part`, which reckons in double precision and not in `numeric`: half the time.
    hoursSince: (column) => `greatest(0, date_part('epoch', (select ${nowSql}) - ${column}) / 3600)`,
    milliseconds: millisecondsSql,
  });
  const rows = await database.query("add up computes", sql, values);
  return rows.map((row) => readTotal(query, row));
}

/** See `Store.events`. */
export async function events(
  database: PostgresDatabase,
  filter: EventFilter,
  limit: number,
): Promise<readonly ComputeEvent[]> {
  const { namespace, computeId, newest = false } = filter;
  const rows = await database.query(
    "read events",
    `select ${rowSql("e")} from ${database.names.events} e
     where e.namespace = :namespace and e.id > :position::bigint
       ${computeId === undefined ? "" : "and e.compute_id = :compute_id"}
     order by e.id ${newest ? "desc" : "asc"} limit :limit::integer`,
    { namespace, position: eventPosition(filter.after), limit, compute_id: computeId ?? null },
  );
  const found = rows.map(readEvent);
  return newest ? found.reverse() : found;
}

/** Reads a snapshot from a row that selected {@link snapshotSql}. */
function toSnapshot(row: Row): Snapshot {
  return { record: readRecord(row), now: readNow(row) };
}
