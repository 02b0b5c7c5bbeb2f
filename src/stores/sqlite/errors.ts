/** The meaning of each failure of SQLite and of its file, and the remedy. */
import { AtlasError, isAtlasError } from "../../errors.ts";

interface Meaning {
  readonly problem: string;
  /** True when the same call may succeed later. */
  readonly retryable?: boolean;
}

const notWritable: Meaning = {
  problem: "cannot be written: give this process the right to write the file and its folder",
};
const noFile: Meaning = {
  problem: "cannot be opened: check that its folder exists and that this process may write there",
};
const diskFull: Meaning = { problem: "is on a full disk: free some space", retryable: true };

/** By the name of an error of the file system. */
const fileErrors: Readonly<Record<string, Meaning>> = {
  ENOENT: { problem: "cannot be created because its folder does not exist: create the folder first" },
  ENOTDIR: { problem: "cannot be created because a part of its path is not a folder: give another path" },
  EISDIR: { problem: "is a folder: give the path of a file in it" },
  EACCES: notWritable,
  EPERM: notWritable,
  EROFS: notWritable,
  ERR_ACCESS_DENIED: {
    problem: "is denied to this process by --permission of Node: add --allow-fs-read and --allow-fs-write",
  },
  ENOSPC: diskFull,
};

/** By SQLite's primary result code: https://www.sqlite.org/rescode.html */
const resultCodes: Readonly<Record<number, Meaning>> = {
  5: { problem: "is still locked by another process: try again", retryable: true },
  8: notWritable,
  10: { problem: "could not be read or written: check its disk", retryable: true },
  11: { problem: "is damaged: restore it from a backup" },
  13: diskFull,
  14: noFile,
  26: { problem: "is not an SQLite database: give another path, or move that file away" },
};

/** Builds the error for a thrown value. It holds the path, but no SQL and no values. */
export function sqliteError(thrown: unknown, path: string, tried: string): AtlasError {
  if (isAtlasError(thrown)) return thrown;
  const code = Number(property(thrown, "errcode"));
  const meaning = fileErrors[String(property(thrown, "code"))] ?? resultCodes[code & 0xff];
  const { problem, retryable } = meaning ?? { problem: unknownProblem(thrown, code), retryable: true };
  return new AtlasError(
    "STORE_UNAVAILABLE",
    `The SQLite store could not ${tried}: the file "${path}" ${problem}`,
    { retryable: retryable ?? false },
  );
}

function unknownProblem(thrown: unknown, code: number): string {
  if (Number.isInteger(code)) return `failed with SQLite's result code ${code}`;
  return `failed with ${thrown instanceof Error ? thrown.name : typeof thrown}`;
}

function property(of: unknown, name: string): unknown {
  return typeof of === "object" && of !== null ? Reflect.get(of, name) : undefined;
}
