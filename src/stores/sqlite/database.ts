/** One SQLite file: opened and migrated at its first use, and called with named values. */
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../clock.ts";
import { type Row, storable, type Value, type Values } from "../sql/columns.ts";
import type { Names } from "../sql/names.ts";
import { sqliteError } from "./errors.ts";
import { SqliteFile } from "./file.ts";
import { inTransaction } from "./transaction.ts";

/** The path, the names and the clock of a database. */
export interface SqliteSettings {
  readonly path: string;
  readonly names: Names;
  readonly clock: Clock;
  /** The deployment whose processes write through this. */
  readonly deployment?: string;
}

/** An SQLite file. Its calls block the thread, as SQLite's own do; each takes some microseconds. */
export class SqliteDatabase {
  readonly names: Names;
  readonly #settings: SqliteSettings;
  readonly #file: SqliteFile;

  constructor(settings: SqliteSettings, file: SqliteFile = new SqliteFile(settings)) {
    this.#settings = settings;
    this.#file = file;
    this.names = settings.names;
  }

  /** The deployment whose processes write through this; `undefined` without one. */
  get deployment(): string | undefined {
    return this.#settings.deployment;
  }

  /** The same database, over the same connection, for one deployment. */
  forDeployment(deployment: string): SqliteDatabase {
    return new SqliteDatabase({ ...this.#settings, deployment }, this.#file);
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
      await this.#file.ready();
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
    return this.run(task, () => inTransaction(this.#file.open(), work));
  }

  /**
   * Reads the file as it is, neither created nor migrated by this; `undefined` while there is none.
   * @throws STORE_UNAVAILABLE
   */
  async read<Result>(task: string, work: (connection: DatabaseSync) => Result): Promise<Result | undefined> {
    try {
      return this.#file.read(work);
    } catch (error) {
      throw sqliteError(error, this.#settings.path, task);
    }
  }

  /** Runs a statement and returns its rows. */
  all(sql: string, values: Values = {}): readonly Row[] {
    return this.#file.statement(sql).all(bound(values));
  }

  /** Runs a statement and returns its first row. */
  first(sql: string, values: Values = {}): Row | undefined {
    return this.#file.statement(sql).get(bound(values));
  }

  /** Runs a statement and returns the number of rows that it changed. */
  change(sql: string, values: Values = {}): number {
    return Number(this.#file.statement(sql).run(bound(values)).changes);
  }

  close(): void {
    this.#file.close();
  }
}

type Bound = Record<string, string | number | null>;

function bound(values: Values): Bound {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, plain(value)]));
}

function plain(value: Value): string | number | null {
  if (value instanceof Date) return value.getTime();
  return typeof value === "string" ? storable(value) : value;
}
