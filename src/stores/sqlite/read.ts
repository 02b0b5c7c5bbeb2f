/** The calls that only read, each with its statement. */
import { defined } from "../../internal/defined.ts";
import type {
  ComputeEvent,
  ComputeRecord,
  EventFilter,
  Migrations,
  Page,
  RecordFilter,
  SlotKey,
  Snapshot,
  TokenHash,
  Total,
  TotalsQuery,
} from "../../store.ts";
import { type Row, toEvent, toRecord } from "../sql/columns.ts";
import { appliedSql } from "../sql/migration.ts";
import { accepts, eventPosition } from "../sql/rules.ts";
import { type Dialect, holdsSlotSql, listSql, slotValues } from "../sql/statements.ts";
import { readTotal, totalsSql } from "../sql/totals.ts";
import type { SqliteDatabase } from "./database.ts";
import { sqliteMigrations } from "./schema.ts";

/** See `Store.get`. */
export async function get(
  database: SqliteDatabase,
  namespace: string,
  id: string,
): Promise<Snapshot | undefined> {
  const row = await database.run("read a compute", () =>
    database.first(`select * from ${database.names.computes} where namespace = :namespace and id = :id`, {
      namespace,
      id,
    }),
  );
  return toSnapshot(database, row);
}

/** See `Store.getByIdempotencyKey`. */
export async function getByIdempotencyKey(
  database: SqliteDatabase,
  namespace: string,
  key: string,
): Promise<Snapshot | undefined> {
  const { computes } = database.names;
  const row = await database.run("look up an idempotency key", () =>
    database.first(`select * from ${computes} where namespace = :namespace and idempotency_key = :key`, {
      namespace,
      key,
    }),
  );
  return toSnapshot(database, row);
}

/** See `Store.getBySlot`. */
export async function getBySlot(database: SqliteDatabase, key: SlotKey): Promise<Snapshot | undefined> {
  const row = await database.run("look up a slot", () => holderOfSlot(database, key));
  return toSnapshot(database, row);
}

/** The row of the live compute that holds a slot. */
export function holderOfSlot(database: SqliteDatabase, key: SlotKey): Row | undefined {
  const { computes } = database.names;
  return database.first(`select * from ${computes} where ${holdsSlotSql}`, slotValues(key));
}

/** See `Store.getByTokenHash`. */
export async function getByTokenHash(
  database: SqliteDatabase,
  namespace: string,
  hash: string,
  kind: TokenHash["kind"],
): Promise<Snapshot | undefined> {
  const { computes, tokens } = database.names;
  const rows = await database.run("look up a token", () =>
    database.all(
      `select c.* from ${tokens} t join ${computes} c on c.namespace = t.namespace and c.id = t.compute_id
       where t.namespace = :namespace and t.hash = :hash and t.kind = :kind`,
      { namespace, hash, kind },
    ),
  );
  const now = database.now();
  return toSnapshot(
    database,
    rows.find((row) => accepts(toRecord(row), hash, kind, now)),
  );
}

const dialect: Dialect = {
  eachOf: (parameter) => `select value from json_each(${parameter})`,
  contains: (column, parameter) => `instr(${column}, ${parameter}) > 0`,
  // Without a `+`, SQLite scans all records in this order to avoid sorting a few.
  sorting: (column, isNarrow) => (isNarrow ? `+${column}` : column),
};

/** See `Store.list`. */
export async function list(
  database: SqliteDatabase,
  filter: RecordFilter,
  page: Page,
): Promise<readonly ComputeRecord[]> {
  const { sql, values } = listSql(filter, page, dialect);
  const rows = await database.run("list computes", () =>
    database.all(`select * from ${database.names.computes} ${sql}`, values),
  );
  return rows.map((row) => toRecord(row));
}

/** See `Store.totals`. */
export async function totals(database: SqliteDatabase, query: TotalsQuery): Promise<readonly Total[]> {
  const { sql, values } = totalsSql(query, database.names.computes, dialect, {
    hoursSince: (column) => `max(0, :now - ${column}) / 3600000.0`,
    milliseconds: (time) => time,
  });
  const rows = await database.run("add up computes", () =>
    database.all(sql, { ...values, now: database.now() }),
  );
  return rows.map((row) => readTotal(query, row));
}

/** See `Store.events`. */
export async function events(
  database: SqliteDatabase,
  filter: EventFilter,
  limit: number,
): Promise<readonly ComputeEvent[]> {
  const { namespace, computeId, newest = false } = filter;
  const position = eventPosition(filter.after);
  const rows = await database.run("read events", () =>
    database.all(
      `select * from ${database.names.events}
       where namespace = :namespace and id > :position ${computeId === undefined ? "" : "and compute_id = :compute_id"}
       order by id ${newest ? "desc" : "asc"} limit :limit`,
      defined({ namespace, position, limit, compute_id: computeId }),
    ),
  );
  const found = rows.map((row) => toEvent(row));
  return newest ? found.reverse() : found;
}

function toSnapshot(database: SqliteDatabase, row: Row | undefined): Snapshot | undefined {
  return row === undefined ? undefined : { record: toRecord(row), now: database.now() };
}

/** See `Store.migrations`. A file that has no tables yet has had none. */
export async function migrations(database: SqliteDatabase): Promise<Migrations> {
  const { names } = database;
  const applied = await database.read("count its migrations", (connection) => {
    const tables = connection.prepare("select name from sqlite_master where type = 'table'").all();
    const isMigrated = tables.some(({ name }) => `"${name}"` === names.migrations);
    return isMigrated ? Number(connection.prepare(appliedSql(names)).get()?.applied) : 0;
  });
  return { applied: applied ?? 0, known: sqliteMigrations.length, isAutomatic: true };
}
