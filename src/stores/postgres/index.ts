/**
 * A store in PostgreSQL: durable, and shared by any number of machines.
 *
 * @module
 */
import * as z from "zod/mini";
import type { Clock } from "../../clock.ts";
import { clockField } from "../../internal/option-fields.ts";
import { field, optional, parseFields } from "../../internal/parse.ts";
import type { Store } from "../../store.ts";
import type { TenantStore } from "../../tenant-store.ts";
import { identifierField, tableNames } from "../sql/names.ts";
import { callsOn, type StoreCalls } from "../sql/store-calls.ts";
import { type Heard, Watchers } from "../sql/watchers.ts";
import { claimDue, identity } from "./claim.ts";
import { claimCursor, moveCursor } from "./cursors.ts";
import { PostgresDatabase, type Preparing, type Queryable } from "./database.ts";
import { postgresError } from "./errors.ts";
import { forget } from "./forget.ts";
import { costs } from "./ledger.ts";
import { listenThrough, surviveLostConnections } from "./listen.ts";
import { computeIn } from "./message.ts";
import { migrate, migrations } from "./migrate.ts";
import { remember } from "./notes.ts";
import { adopt, requireOwnership } from "./ownership.ts";
import { events, get, getByIdempotencyKey, getBySlot, getByTokenHash, list, now, totals } from "./read.ts";
import { postgresTenants } from "./tenants.ts";
import { insert, replace } from "./write.ts";

export type { Queryable } from "./database.ts";

/** The options of {@link postgresStore}. */
export interface PostgresStoreOptions {
  /**
   * The schema of all tables; `migrate()` creates it when it is missing. Up to 31 of `a-z`, `0-9` and `_`; the first is not a digit.
   * @default "public"
   */
  readonly schema?: string;
  /**
   * The prefix of all table names. The rules of `schema` apply.
   * @default "atlas_"
   */
  readonly tablePrefix?: string;
  /**
   * True prepares each statement once a connection, which saves its planning. For clients of pg, connected to PostgreSQL itself: a
   * pooler in transaction mode gives a statement to a connection that has not prepared it, unless the pooler keeps track of that (pgbouncer from
   * 1.21 with `max_prepared_statements`).
   * @default false
   */
  readonly prepare?: boolean;
  /**
   * A clock that replaces the database's time, for tests.
   * @default the database's own clock
   */
  readonly clock?: Clock;
}

/** A store in a PostgreSQL database. */
export interface PostgresStore extends Store, TenantStore {
  migrate(): Promise<void>;
}

/** A client does not show that it takes prepared statements; with `prepare`, the caller says so. */
const isQueryable = (value: unknown): value is Queryable & Preparing =>
  typeof value === "object" && value !== null && "query" in value && typeof value.query === "function";

const FIELDS = {
  client: field(
    z.custom<Queryable & Preparing>(isQueryable),
    "a client with query(text, values), such as a pg.Pool",
  ),
  schema: identifierField,
  tablePrefix: identifierField,
  prepare: optional(field(z.boolean(), "true or false")),
  clock: clockField,
};

const CALLS: StoreCalls<PostgresDatabase> = {
  identity,
  requireOwnership,
  adopt,
  now,
  insert,
  get,
  getByTokenHash,
  getByIdempotencyKey,
  getBySlot,
  replace,
  list,
  claimDue,
  costs,
  claimCursor,
  moveCursor,
  forget,
  remember,
  totals,
  events,
};

/**
 * Creates a store in a PostgreSQL database (12 or newer), over any database client with `query(text, values)`: a `Pool` or `Client` of pg, PGlite, Neon.
 * Call `migrate()` once for every deployment, before any other call. The database client stays yours: `close()` does not end it.
 *
 * Every call is one statement in its own transaction, so a pool or a pooler in transaction mode works. A database client that can LISTEN
 * delivers events at once; on a pool this holds one connection while a caller follows events. A pool of one connection is polled instead, and so is
 * a pooler in transaction mode, behind which LISTEN hears nothing.
 *
 * @throws VALIDATION when an option is not valid.
 *
 * @example
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { postgresStore } from "atlas-compute/postgres";
 * import { runpod } from "atlas-compute/runpod";
 * import pg from "pg";
 *
 * const store = postgresStore(new pg.Pool({ connectionString: process.env.DATABASE_URL }));
 * await store.migrate();
 * const atlas = createAtlas({ providers: [runpod()], store });
 * ```
 */
export function postgresStore(client: Queryable, options: PostgresStoreOptions = {}): PostgresStore {
  const given = parseFields("The options of postgresStore()", FIELDS, { ...options, client });
  const { schema = "public", tablePrefix = "atlas_", prepare = false, clock } = given;
  const names = tableNames(tablePrefix, schema);
  const channel = `${schema}_${tablePrefix}`;
  const database = new PostgresDatabase({ client: given.client, names, channel, prepare, clock });
  surviveLostConnections(client);
  return storeOn(database, schema, watchersOf(client, database));
}

function storeOn(database: PostgresDatabase, schema: string, watchers: Watchers | undefined): PostgresStore {
  return {
    name: "postgres",
    migrate: () => migrate(database, schema),
    migrations: () => migrations(database),
    forDeployment: (deployment) => storeOn(database.forDeployment(deployment), schema, watchers),
    ...callsOn(database, CALLS),
    ...postgresTenants(database),
    ...(watchers && { watch: (onChange: Heard) => watchers.add(onChange) }),
    close: async () => watchers?.clear(),
  };
}

function watchersOf(client: Queryable, database: PostgresDatabase): Watchers | undefined {
  const listen = listenThrough(client);
  if (listen === undefined) return undefined;
  return new Watchers((heard) =>
    listen(database.channel, (message) => heard(computeIn(message))).catch((error: unknown) => {
      throw postgresError(error, "listen for events");
    }),
  );
}
