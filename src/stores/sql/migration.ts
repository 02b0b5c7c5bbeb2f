/** The form of a migration. Migrations are only added: a released migration never changes, not even by a character. */
import { AtlasError } from "../../errors.ts";
import type { Names } from "./names.ts";

/** Reads the number of the last migration, which is the number of all of them. */
export function appliedSql({ migrations }: Names): string {
  return `select coalesce(max(number), 0) as applied from ${migrations}`;
}

/** A step of the schema. */
export interface Migration {
  /** 1, 2, 3 …, without a gap. */
  readonly number: number;
  readonly name: string;
  /** The statements, each with its semicolon. */
  sql(names: Names): string;
}

/** The error for a database that a later version of this package has migrated. */
export function schemaTooNew(known: readonly Migration[]): AtlasError {
  return new AtlasError(
    "STORE_UNAVAILABLE",
    `The schema of the database is newer than this version of atlas-compute, which knows ${known.length} of its migrations: install a newer atlas-compute`,
    { retryable: false },
  );
}
