/** The connection to one SQLite file, and its prepared statements. */
import { closeSync, existsSync, openSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Clock } from "../../clock.ts";
import { AtlasError } from "../../errors.ts";
import type { Names } from "../sql/names.ts";
import { migrate } from "./migrate.ts";

/** The time that a call waits for other processes to release the file. */
const BUSY_MILLISECONDS = 5_000;

/** The place of a file, and its tables. */
export interface FileSettings {
  readonly path: string;
  readonly names: Names;
  readonly clock: Clock;
}

/** A file, opened and migrated at its first use. */
export class SqliteFile {
  readonly #settings: FileSettings;
  /** One for each text of a statement in this package, whose number does not grow with use. */
  readonly #statements = new Map<string, StatementSync>();
  #connection: DatabaseSync | undefined;
  #closed = false;

  constructor(settings: FileSettings) {
    this.#settings = settings;
  }

  open(): DatabaseSync {
    if (this.#closed)
      throw new AtlasError("STORE_UNAVAILABLE", "The SQLite store was closed", { retryable: false });
    this.#connection ??= connect(this.#settings);
    return this.#connection;
  }

  statement(sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? this.open().prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  close(): void {
    this.#closed = true;
    this.#statements.clear();
    this.#connection?.close();
    this.#connection = undefined;
  }
}

function connect(settings: FileSettings): DatabaseSync {
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
