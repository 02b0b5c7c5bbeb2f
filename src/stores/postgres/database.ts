/** One PostgreSQL database, called in single statements with named values. */
import { createHash } from "node:crypto";
import type { Clock } from "../../clock.ts";
import { BoundedMap } from "../../internal/bounded-map.ts";
import { type Column, type Row, storable, type Value, type Values } from "../sql/columns.ts";
import type { Names } from "../sql/names.ts";
import { postgresError } from "./errors.ts";
import { typeSql } from "./types.ts";

/**
 * The part of a database client that the store uses. `Pool`, `Client` and `PoolClient` of pg, PGlite, and Neon's `Pool` and `Client` have it.
 * Over a pool any two calls may go to different connections, so every operation is one statement.
 */
export interface Queryable {
  /** Runs one statement with numbered parameters (`$1`, `$2`, …). */
  query<Row>(text: string, values?: unknown[]): Promise<{ rows: Row[] }>;
}

/** A database client that also takes prepared statements, as those of pg do. A connection prepares each name once. */
export interface Preparing {
  query<Row>(statement: { name: string; text: string; values: unknown[] }): Promise<{ rows: Row[] }>;
}

/** The time of a statement: the caller's clock or the database's own, in whole milliseconds as a `Date` has them. */
export const nowSql: string =
  "date_trunc('milliseconds', coalesce(:now::timestamptz, statement_timestamp()))";

/** The parts of a database. */
export interface PostgresSettings {
  /** Prepared statements go to it only with `prepare`. */
  readonly client: Queryable & Preparing;
  readonly names: Names;
  /** The channel on which events are announced, at most 63 characters. */
  readonly channel: string;
  /** Replaces the database's own time. */
  readonly clock: Clock | undefined;
  /** True sends prepared statements. */
  readonly prepare: boolean;
  /** The deployment whose processes write through this. */
  readonly deployment?: string;
}

/** A database, and the tables of this package in it. */
export class PostgresDatabase {
  readonly names: Names;
  readonly channel: string;
  readonly #settings: PostgresSettings;

  constructor(settings: PostgresSettings) {
    this.names = settings.names;
    this.channel = settings.channel;
    this.#settings = settings;
  }

  /** The same database for one deployment. */
  forDeployment(deployment: string): PostgresDatabase {
    return new PostgresDatabase({ ...this.#settings, deployment });
  }

  /**
   * Runs a statement and returns its rows. The statement names its values as `:name`; `:now` and `:deployment` are always set. `task` names the purpose in an error.
   * @throws STORE_UNAVAILABLE
   */
  async query(task: string, sql: string, values: Values = {}): Promise<readonly Row[]> {
    const { clock, deployment } = this.#settings;
    const always = { now: clock?.now() ?? null, deployment: deployment ?? null };
    const given: Values = { ...always, ...values };
    const statement = numbered(sql);
    try {
      const { rows } = await this.#send(
        statement,
        statement.names.map((name) => toText(given[name])),
      );
      return rows;
    } catch (error) {
      throw postgresError(error, task);
    }
  }

  #send({ text, name }: Numbered, values: unknown[]): Promise<{ rows: Row[] }> {
    const { client, prepare } = this.#settings;
    return prepare ? client.query<Row>({ name, text, values }) : client.query<Row>(text, values);
  }

  /** Runs a statement and returns its first row; see {@link query}. */
  async first(task: string, sql: string, values?: Values): Promise<Row | undefined> {
    const [row] = await this.query(task, sql, values);
    return row;
  }
}

/** A statement as drivers know it, and the names of its values in the order of their numbers. */
interface Numbered {
  readonly text: string;
  /** The name under which a connection prepares it. */
  readonly name: string;
  readonly names: readonly string[];
}

/** The statements of this module are few, but some are long, and a text is the same at each call. */
const MAX_STATEMENTS = 200;
const statements = new BoundedMap<string, Numbered>(MAX_STATEMENTS);

/** Replaces each `:name` by the `$1` that drivers know. */
function numbered(sql: string): Numbered {
  const known = statements.get(sql);
  if (known !== undefined) return known;
  const names: string[] = [];
  const text = sql.replace(/(?<!:):([a-zA-Z_]+)/g, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  });
  const statement = {
    text,
    names,
    name: `atlas_${createHash("sha256").update(text).digest("hex").slice(0, 32)}`,
  };
  statements.set(sql, statement);
  return statement;
}

/** Sends a value as text, which no driver changes. */
function toText(value: Value | undefined): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  return storable(String(value));
}

/** Writes the named value of a column, with its type. */
export function valueSql({ name, kind }: Column): string {
  return `:${name}::${typeSql[kind]}`;
}

/** Writes a time as milliseconds, in text. */
export function millisecondsSql(time: string): string {
  return `(extract(epoch from ${time}) * 1000)::bigint::text`;
}
