/** The database that a command works on. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { AtlasError } from "../errors.ts";
import type { Store } from "../store.ts";
import { memoryStore } from "../stores/memory/index.ts";
import type { Queryable } from "../stores/postgres/index.ts";
import type { TenantStore } from "../tenant-store.ts";

/** A command that follows events holds one connection to listen on. */
const POOL_SIZE = 2;

/** A store and its connection, closed together. */
export interface OpenStore extends AsyncDisposable {
  readonly store: Store & TenantStore;
}

/** The used part of the package `pg`. */
interface PostgresDriver {
  readonly Pool: new (options: {
    connectionString: string;
    max: number;
  }) => Queryable & { end(): Promise<void> };
}

/**
 * Opens the store at the flag's place, or at `ATLAS_DATABASE`, or at the fallback: `sqlite:` and the path of a file, or the path alone; a
 * `postgres://` URL; or `memory`.
 * @throws VALIDATION without a place, for another scheme, and for an argument that holds a password
 * @throws UNSUPPORTED when PostgreSQL's driver is not installed
 */
export async function openStore(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  fallback?: string,
): Promise<OpenStore> {
  const place = flag || env.ATLAS_DATABASE || fallback;
  if (!place)
    throw new AtlasError(
      "VALIDATION",
      "No database is set. Set ATLAS_DATABASE, or pass --store: the path of an SQLite file or a postgres:// URL.",
    );
  if (place === "memory") return openMemory();
  refuseOtherSchemes(place);
  if (!/^postgres(ql)?:/i.test(place)) return openFile(place.replace(/^sqlite:(?:\/\/(?=\/))?/i, ""));
  if (flag && mayHoldPassword(flag))
    throw new AtlasError(
      "VALIDATION",
      "A password in --store can be read by every user of this machine: set ATLAS_DATABASE to that URL instead.",
    );
  return openPostgres(place);
}

/** A mistyped URL is no path of a file, and may hold a password: the error repeats its scheme only. One letter is a drive of Windows. */
function refuseOtherSchemes(place: string): void {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(place)?.[1]?.toLowerCase() ?? "sqlite";
  if (/^(?:sqlite|postgres|postgresql)$/.test(scheme)) return;
  throw new AtlasError(
    "VALIDATION",
    `A database cannot be at a URL with ${scheme}:. Write sqlite: and the path of a file, the path alone, or a postgres:// URL.`,
  );
}

function mayHoldPassword(text: string): boolean {
  const url = URL.parse(text);
  return url === null || url.password !== "" || url.searchParams.has("password");
}

async function openMemory(): Promise<OpenStore> {
  const store = memoryStore();
  return { store, [Symbol.asyncDispose]: () => store.close() };
}

async function openFile(path: string): Promise<OpenStore> {
  const { sqliteStore } = await import("../stores/sqlite/index.ts");
  const store = sqliteStore(path);
  return { store, [Symbol.asyncDispose]: () => store.close() };
}

async function openPostgres(connectionString: string): Promise<OpenStore> {
  const { postgresStore } = await import("../stores/postgres/index.ts");
  const pool = new (postgresDriver().Pool)({ connectionString, max: POOL_SIZE });
  return { store: postgresStore(pool), [Symbol.asyncDispose]: () => pool.end() };
}

/** Loads the application's own driver, from the working directory and not from the folder of this package. */
function postgresDriver(): PostgresDriver {
  const load = createRequire(join(process.cwd(), "package.json"));
  try {
    return load("pg") as PostgresDriver;
  } catch (cause) {
    throw new AtlasError(
      "UNSUPPORTED",
      "The package pg, which a PostgreSQL database needs, is not installed in this folder: run `npm install pg`.",
      { cause },
    );
  }
}
