/**
 * A store in an SQLite file: durable on one machine, for any number of its processes, with no service to start.
 *
 * @module
 */
import * as z from "zod/mini";
import { type Clock, systemClock } from "../../clock.ts";
import { AtlasError } from "../../errors.ts";
import { clockField } from "../../internal/option-fields.ts";
import { field, parseFields } from "../../internal/parse.ts";
import type { Store } from "../../store.ts";
import type { TenantStore } from "../../tenant-store.ts";
import { identifierField, tableNames } from "../sql/names.ts";
import { callsOn, type StoreCalls } from "../sql/store-calls.ts";
import { type Heard, Watchers } from "../sql/watchers.ts";
import { claimCursor, moveCursor } from "./cursors.ts";
import { SqliteDatabase } from "./database.ts";
import { forget } from "./forget.ts";
import { costs } from "./ledger.ts";
import { remember } from "./notes.ts";
import { adopt, requireOwnership } from "./ownership.ts";
import {
  events,
  get,
  getByIdempotencyKey,
  getBySlot,
  getByTokenHash,
  list,
  migrations,
  totals,
} from "./read.ts";
import { sqliteTenants } from "./tenants.ts";
import { lookForEvents } from "./watch.ts";
import { claimDue, identity, insert, replace } from "./write.ts";

/** The options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /**
   * The store's clock. Processes that share the file must share it.
   * @default the machine's clock
   */
  readonly clock?: Clock;
  /**
   * The prefix of all table names: up to 31 of `a-z`, `0-9` and `_`; the first is not a digit.
   * @default "atlas_"
   */
  readonly tablePrefix?: string;
}

/** A store in an SQLite file. */
export interface SqliteStore extends Store, TenantStore {
  migrate(): Promise<void>;
}

const FIELDS = {
  path: field(z.string().check(z.minLength(1)), "the path of a file, which need not exist yet"),
  clock: clockField,
  tablePrefix: identifierField,
};

const CALLS: StoreCalls<SqliteDatabase> = {
  identity,
  requireOwnership,
  adopt,
  now: async (database) => database.now(),
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
 * Creates a store in an SQLite file, through Node's own `node:sqlite` (Node 22.13 or newer, or `--experimental-sqlite`). The file is
 * created and migrated at the first use, readable by its owner only: calling `migrate()` is allowed, but not needed.
 * Its folder has to exist. `":memory:"` keeps everything in memory.
 *
 * Several processes of one machine may share the file. Do not put it on a network drive, where SQLite's locks do not hold.
 *
 * @throws VALIDATION when an option is not valid.
 *
 * @example
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { local } from "atlas-compute/local";
 * import { sqliteStore } from "atlas-compute/sqlite";
 *
 * const atlas = createAtlas({ providers: [local()], store: sqliteStore("./atlas.db") });
 * ```
 */
export function sqliteStore(path: string, options: SqliteStoreOptions = {}): SqliteStore {
  const given = parseFields("The options of sqliteStore()", FIELDS, { ...options, path });
  refuseUrl(path);
  const names = tableNames(given.tablePrefix ?? "atlas_");
  const database = new SqliteDatabase({ path, names, clock: given.clock ?? systemClock });
  return storeOn(database, new Watchers((heard) => lookForEvents(database, heard)));
}

/** A URL of another database may hold its password, so the error does not repeat it. */
function refuseUrl(path: string): void {
  if (/^(?:[a-z][a-z0-9+.-]+:\/\/|file:)/i.test(path))
    throw new AtlasError(
      "VALIDATION",
      "The options of sqliteStore() are not valid. path: got a URL; allowed: the path of a file, without a scheme. For a postgres:// URL use postgresStore(pool)",
    );
}

function storeOn(database: SqliteDatabase, watchers: Watchers): SqliteStore {
  return {
    name: "sqlite",
    migrate: () => database.run("migrate", () => undefined),
    migrations: () => migrations(database),
    forDeployment: (deployment) => storeOn(database.forDeployment(deployment), watchers),
    ...callsOn(database, CALLS),
    ...sqliteTenants(database),
    watch: (onChange: Heard) => watchers.add(onChange),
    close: async () => {
      await watchers.clear();
      database.close();
    },
  };
}
