/** What a migration is. Migrations are only ever added: one that was released stays as it is, to the letter. */
import { AtlasError } from "../../errors.ts";
import type { Names } from "./names.ts";

/** A step of the schema. */
export interface Migration {
  /** 1, 2, 3 …, without a gap. */
  readonly number: number;
  readonly name: string;
  /** Its statements, each ended by a semicolon. */
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
