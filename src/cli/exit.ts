/** The exit codes of every command. */
import { isAtlasError } from "../errors.ts";

/** `unfinished`: the command was understood and nothing failed, but its work is not over yet. */
export const EXIT = { done: 0, failed: 1, wrongUse: 2, unfinished: 3 } as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The exit code for an error. An uncertain create is not over: a reaper finds out. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!isAtlasError(error)) return EXIT.failed;
  if (error.code === "VALIDATION") return EXIT.wrongUse;
  return error.code === "UNCERTAIN" ? EXIT.unfinished : EXIT.failed;
}
