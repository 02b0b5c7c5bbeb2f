/** One PostgreSQL database, spoken to in single statements with named values. */
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
 * What the store needs of a client: `Pool`, `Client` and `PoolClient` of pg, PGlite, and Neon's `Pool` and `Client` have it.
 * Over a pool any two calls may go to different connections, so every operation is one statement.
 */
export interface Queryable {
  /** Runs one statement with numbered parameters (`$1`, `$2`, …). */
  query<Row>(text: string, values?: unknown[]): Promise<{ rows: Row[] }>;
}

/** The time of a statement: the caller's clock, or else the database's, in whole milliseconds as a `Date` has them. */
export const nowSql: string =
  "date_trunc('milliseconds', coalesce(:now::timestamptz, statement_timestamp()))";

/** What a database is made of. */
export interface PostgresSettings {
  readonly client: Queryable;
  readonly names: Names;
  /** Where events are announced, at most 63 characters. */
  readonly channel: string;
  /** Overrules the database's own time. */
  readonly clock: Clock | undefined;
}

/** A database, and our part of it. */
export class PostgresDatabase {
  readonly names: Names;
  readonly channel: string;
  readonly #client: Queryable;
  readonly #clock: Clock | undefined;

  constructor({ client, names, channel, clock }: PostgresSettings) {
    this.names = names;
    this.channel = channel;
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * The rows that a statement gives. It names its values as `:name`; `:now` is there without being given. `task` says in words what it is for.
   * @throws STORE_UNAVAILABLE
   */
  async query(task: string, sql: string, values: Values = {}): Promise<readonly Row[]> {
    const { text, list } = numbered(sql, { now: this.#clock?.now() ?? null, ...values });
    try {
      return (await this.#client.query<Row>(text, list)).rows;
    } catch (error) {
      throw postgresError(error, task);
    }
  }

  /** The first row that a statement gives; see {@link query}. */
  async first(task: string, sql: string, values?: Values): Promise<Row | undefined> {
    const [row] = await this.query(task, sql, values);
    return row;
  }
}

/** Writes each `:name` as the `$1` that drivers know, and the values as text, which no driver changes. */
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

/** A column's value as a statement names it, with its type. */
export function valueSql({ name, kind }: Column): string {
  return `:${name}::${types[kind]}`;
}

/** A time as milliseconds, in text. */
export function millisecondsSql(time: string): string {
  return `(extract(epoch from ${time}) * 1000)::bigint::text`;
}

/** Columns, all as text: what a driver makes of the other types differs, and can be changed. */
export function selectSql<Fields>(columns: Columns<Fields>, table: string): string {
  return Object.values<Column>(columns)
    .map(({ name, kind }) => {
      const value = `${table}.${name}`;
      return `${kind === "time" ? millisecondsSql(value) : `${value}::text`} as ${name}`;
    })
    .join(", ");
}
