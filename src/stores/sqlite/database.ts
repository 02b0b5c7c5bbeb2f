/** One SQLite file: opened and migrated at its first use, and called with named values. */
import { closeSync, existsSync, openSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Clock } from "../../clock.ts";
import { AtlasError } from "../../errors.ts";
import { type Row, storable, type Value, type Values } from "../sql/columns.ts";
import type { Names } from "../sql/names.ts";
import { sqliteError } from "./errors.ts";
import { migrate } from "./migrate.ts";
import { inTransaction } from "./transaction.ts";

/** The time that a call waits for other processes to release the file. */
const BUSY_MILLISECONDS = 5_000;

/** The path, the names and the clock of a database. */
export interface SqliteSettings {
  readonly path: string;
  readonly names: Names;
  readonly clock: Clock;
}

/** An SQLite file. Its calls block the thread, as SQLite's own do; each takes some microseconds. */
export class SqliteDatabase {
  readonly names: Names;
  readonly #settings: SqliteSettings;
  readonly #statements = new Map<string, StatementSync>();
  #connection: DatabaseSync | undefined;
  #closed = false;

  constructor(settings: SqliteSettings) {
    this.#settings = settings;
    this.names = settings.names;
  }

  now(): Date {
    return this.#settings.clock.now();
  }

  /**
   * Runs one statement, or several that only read. `task` names the purpose in an error.
   * @throws STORE_UNAVAILABLE
   */
  async run<Result>(task: string, work: () => Result): Promise<Result> {
    try {
      this.#open();
      return work();
    } catch (error) {
      throw sqliteError(error, this.#settings.path, task);
    }
  }

  /**
   * Runs several statements as one: all of them happen, or none, and no other process writes between them.
   * @throws STORE_UNAVAILABLE
   */
  async transaction<Result>(task: string, work: () => Result): Promise<Result> {
    return this.run(task, () => inTransaction(this.#open(), work));
  }

  /** Runs a statement and returns its rows. */
  all(sql: string, values: Values = {}): readonly Row[] {
    return this.#statement(sql).all(bound(values));
  }

  /** Runs a statement and returns its first row. */
  first(sql: string, values: Values = {}): Row | undefined {
    return this.#statement(sql).get(bound(values));
  }

  /** Runs a statement and returns the number of rows that it changed. */
  change(sql: string, values: Values = {}): number {
    return Number(this.#statement(sql).run(bound(values)).changes);
  }

  close(): void {
    this.#closed = true;
    this.#statements.clear();
    this.#connection?.close();
    this.#connection = undefined;
  }

  #open(): DatabaseSync {
    if (this.#closed)
      throw new AtlasError("STORE_UNAVAILABLE", "The SQLite store was closed", { retryable: false });
    this.#connection ??= connect(this.#settings);
    return this.#connection;
  }

  #statement(sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? this.#open().prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function connect(settings: SqliteSettings): DatabaseSync {
  const { DatabaseSync } = sqliteModule();
  createPrivately(settings.path);
  const connection = new DatabaseSync(settings.path);
  try {
    connection.exec(`pragma busy_timeout = ${BUSY_MILLISECONDS}`);
    connection.exec("pragma journal_mode = wal");
    connection.exec("pragma synchronous = full");
    connection.exec("pragma foreign_keys = on");
    migrate(connection, settings.names, settings.clock.now());
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Loads SQLite at the first use, so that this module loads, and can be bundled, where Node has no SQLite. */
function sqliteModule(): typeof import("node:sqlite") {
  const found = process.getBuiltinModule("node:sqlite");
  if (found !== undefined) return found;
  throw new AtlasError(
    "UNSUPPORTED",
    `sqliteStore needs node:sqlite, which Node ${process.versions.node} does not offer: use Node 22.13 or newer, or run this one with --experimental-sqlite`,
  );
}

/**
 * Creates a missing file, for its owner only; SQLite gives the files beside it the same rights. An existing file is
 * not opened: closing it would release the locks of this process' other connections.
 */
function createPrivately(path: string): void {
  if (path === ":memory:" || existsSync(path)) return;
  closeSync(openSync(path, "a", 0o600));
}

type Bound = Record<string, string | number | null>;

function bound(values: Values): Bound {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, plain(value)]));
}

function plain(value: Value): string | number | null {
  if (value instanceof Date) return value.getTime();
  return typeof value === "string" ? storable(value) : value;
}
