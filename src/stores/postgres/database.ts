/** One PostgreSQL database, called in single statements with named values. */
import type { Clock } from "../../clock.ts";
import {
  type Column,
  type Columns,
  type Kind,
  type Row,
  storable,
  type Value,
  type Values,
} from "../sql/columns.ts";
import type { Names } from "../sql/names.ts";
import { postgresError } from "./errors.ts";

/**
 * The part of a database client that the store uses. `Pool`, `Client` and `PoolClient` of pg, PGlite, and Neon's `Pool` and `Client` have it.
 * Over a pool any two calls may go to different connections, so every operation is one statement.
 */
export interface Queryable {
  /** Runs one statement with numbered parameters (`$1`, `$2`, …). */
  query<Row>(text: string, values?: unknown[]): Promise<{ rows: Row[] }>;
}

/** The time of a statement: the caller's clock or the database's own, in whole milliseconds as a `Date` has them. */
export const nowSql: string =
  "date_trunc('milliseconds', coalesce(:now::timestamptz, statement_timestamp()))";

/** The parts of a database. */
export interface PostgresSettings {
  readonly client: Queryable;
  readonly names: Names;
  /** The channel on which events are announced, at most 63 characters. */
  readonly channel: string;
  /** Replaces the database's own time. */
  readonly clock: Clock | undefined;
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
    const { client, clock, deployment } = this.#settings;
    const always = { now: clock?.now() ?? null, deployment: deployment ?? null };
    const { text, list } = numbered(sql, { ...always, ...values });
    try {
      return (await client.query<Row>(text, list)).rows;
    } catch (error) {
      throw postgresError(error, task);
    }
  }

  /** Runs a statement and returns its first row; see {@link query}. */
  async first(task: string, sql: string, values?: Values): Promise<Row | undefined> {
    const [row] = await this.query(task, sql, values);
    return row;
  }
}

/** Replaces each `:name` by the `$1` that drivers know, and sends the values as text, which no driver changes. */
function numbered(sql: string, values: Values): { text: string; list: (string | null)[] } {
  const names: string[] = [];
  const text = sql.replace(/(?<!:):([a-zA-Z_]+)/g, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  });
  return { text, list: names.map((name) => toText(values[name])) };
}

function toText(value: Value | undefined): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  return storable(String(value));
}

const types: Readonly<Record<Kind, string>> = {
  text: "text",
  integer: "integer",
  real: "double precision",
  time: "timestamptz",
  json: "json",
  tokens: "json",
};

/** Writes the named value of a column, with its type. */
export function valueSql({ name, kind }: Column): string {
  return `:${name}::${types[kind]}`;
}

/** Writes a time as milliseconds, in text. */
export function millisecondsSql(time: string): string {
  return `(extract(epoch from ${time}) * 1000)::bigint::text`;
}

/** Writes columns as text, because drivers decode the other types differently. */
export function selectSql<Fields>(columns: Columns<Fields>, table: string): string {
  return Object.values<Column>(columns)
    .map(({ name, kind }) => {
      const value = `${table}.${name}`;
      return `${kind === "time" ? millisecondsSql(value) : `${value}::text`} as ${name}`;
    })
    .join(", ");
}
