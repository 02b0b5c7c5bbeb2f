/** The meaning of each failure of PostgreSQL and of the connection to it, and the remedy. */
import { AtlasError, isAtlasError } from "../../errors.ts";
import { schemaTooNew } from "../sql/migration.ts";
import { postgresMigrations } from "./schema.ts";

interface Meaning {
  readonly codes: RegExp;
  readonly problem: string;
  /** True when the same call may succeed later. */
  readonly retryable: boolean;
}

/** The `errcode` that our own SQL raises when the schema is newer than this code. */
export const SCHEMA_TOO_NEW = "AT001";

/** By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html), or by the code of a network error. */
const meanings: readonly Meaning[] = [
  {
    codes: /^(42P01|42883|42703|3F000)$/,
    problem: "its tables are missing or old: run migrate() on the store first",
    retryable: true,
  },
  {
    codes: /^AT002$/,
    problem:
      "the connection's transactions are not READ COMMITTED: leave default_transaction_isolation as it is",
    retryable: false,
  },
  {
    codes: /^(26000|42P05)$/,
    problem: "a pooler is in between that does not keep prepared statements: leave `prepare` off",
    retryable: false,
  },
  { codes: /^28/, problem: "the credentials were refused: check user and password", retryable: false },
  { codes: /^3D000$/, problem: "the database does not exist: create it first", retryable: false },
  {
    codes: /^42501$/,
    problem: "the user lacks the right: grant it the schema and its tables",
    retryable: false,
  },
  { codes: /^25006$/, problem: "the connection is read-only: connect to the primary", retryable: true },
  { codes: /^53300$/, problem: "it has no connection left: use a pool, or a smaller one", retryable: true },
  { codes: /^53/, problem: "it ran out of space: check its disk and memory", retryable: true },
  { codes: /^(40|55P03)/, problem: "another transaction was in the way: try again", retryable: true },
  { codes: /^57014$/, problem: "the statement took too long and was cancelled: try again", retryable: true },
  {
    codes: /^(08|57P|E[A-Z_]+$)/,
    problem: "it cannot be reached: check that it runs and that its address is right",
    retryable: true,
  },
];

/** Builds the error for a thrown value. It holds no SQL, no values and no address. */
export function postgresError(thrown: unknown, tried: string): AtlasError {
  if (isAtlasError(thrown)) return thrown;
  const code = codeOf(thrown);
  if (code === SCHEMA_TOO_NEW) return schemaTooNew(postgresMigrations);
  const meaning = meanings.find(({ codes }) => codes.test(code));
  const { problem, retryable } = meaning ?? { problem: "it failed: see its log", retryable: true };
  return new AtlasError(
    "STORE_UNAVAILABLE",
    `The PostgreSQL store could not ${tried}: ${problem}${code === "" ? "" : ` (${code})`}`,
    { retryable },
  );
}

function codeOf(thrown: unknown): string {
  const code = typeof thrown === "object" && thrown !== null ? Reflect.get(thrown, "code") : undefined;
  return typeof code === "string" && /^[A-Z0-9_]{4,30}$/.test(code) ? code : "";
}
