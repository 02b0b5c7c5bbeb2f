/** The connection to one SQLite file, and its prepared statements. */
import { closeSync, existsSync, openSync, statSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Clock, systemClock } from "../../clock.ts";
import { AtlasError } from "../../errors.ts";
import { BoundedMap } from "../../internal/bounded-map.ts";
import { retry } from "../../internal/retry.ts";
import type { Names } from "../sql/names.ts";
import { migrate } from "./migrate.ts";

/** The time that a call waits for other processes to release the file. */
const BUSY_MILLISECONDS = 5_000;

/** The pause before the file is opened again while another process holds it. */
const RETRY_SECONDS = 0.05;

/** The prepared statements that are kept. There are fewer texts in use than this. */
const MAX_STATEMENTS = 200;

/** The place of a file, and its tables. */
export interface FileSettings {
  readonly path: string;
  readonly names: Names;
  readonly clock: Clock;
}

/** A file, opened and migrated at its first use. */
export class SqliteFile {
  readonly #settings: FileSettings;
  readonly #statements = new BoundedMap<string, StatementSync>(MAX_STATEMENTS);
  #connection: DatabaseSync | undefined;
  #closed = false;
  /** The number of the open file; `undefined` for a database in memory. */
  #opened: bigint | undefined;

  constructor(settings: FileSettings) {
    this.#settings = settings;
  }

  /** Opens the file, and tries again while another process holds it: SQLite does not wait for the change to its write-ahead log. */
  async ready(): Promise<void> {
    this.#requireFile();
    const waitSeconds = (error: unknown): number | undefined => (isBusy(error) ? RETRY_SECONDS : undefined);
    if (this.#connection === undefined)
      await retry({ clock: systemClock, withinSeconds: BUSY_MILLISECONDS / 1000, waitSeconds }, async () =>
        this.open(),
      );
  }

  /** @throws STORE_UNAVAILABLE when the file that is open has been removed, or replaced by another one */
  #requireFile(): void {
    if (this.#connection === undefined || this.#opened === undefined) return;
    const now = inodeOf(this.#settings.path);
    if (now === this.#opened) return;
    const what = now === undefined ? "was removed" : "was replaced by another file";
    throw new AtlasError(
      "STORE_UNAVAILABLE",
      `The file "${this.#settings.path}" ${what} while this process had it open, so nothing is read or written: put it back, or restart the process to begin with the file that is there`,
      { retryable: false },
    );
  }

  open(): DatabaseSync {
    if (this.#closed)
      throw new AtlasError("STORE_UNAVAILABLE", "The SQLite store was closed", { retryable: false });
    if (this.#connection === undefined) {
      this.#connection = connect(this.#settings);
      this.#opened = inodeOf(this.#settings.path);
    }
    return this.#connection;
  }

  /** Reads the file as it is, neither created nor migrated by this; `undefined` while there is none. */
  read<Result>(work: (connection: DatabaseSync) => Result): Result | undefined {
    if (this.#closed || this.#connection !== undefined) return work(this.open());
    const { path } = this.#settings;
    if (!existsSync(path)) return undefined;
    const { DatabaseSync } = sqliteModule();
    const connection = new DatabaseSync(path, { readOnly: true });
    try {
      connection.exec(`pragma busy_timeout = ${BUSY_MILLISECONDS}`);
      return work(connection);
    } finally {
      connection.close();
    }
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

function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}

/** True for SQLite's BUSY and LOCKED. */
function isBusy(error: unknown): boolean {
  const code = typeof error === "object" && error !== null ? Number(Reflect.get(error, "errcode")) & 0xff : 0;
  return code === 5 || code === 6;
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
