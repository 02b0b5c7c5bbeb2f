/** Runs a command line in this process. No other module of the CLI touches the process. */
import type { EventEmitter } from "node:events";
import { userInfo } from "node:os";
import { styleText } from "node:util";
import { type Command, CommanderError } from "commander";
import { systemClock } from "../clock.ts";
import { isAtlasError } from "../errors.ts";
import { EXIT, exitCodeOf } from "./exit.ts";
import { errorText } from "./failure.ts";
import { READER_GONE } from "./interruption.ts";
import { requireNode } from "./node-version.ts";
import type { CliWorld } from "./world.ts";

/** This process as a world. */
export function processWorld(): CliWorld {
  const { stdin, stdout, stderr } = process;
  return {
    env: process.env,
    clock: systemClock,
    operator: () => process.env.ATLAS_OPERATOR || accountName(),
    processId: process.pid,
    signals: process,
    stdout: (text) => stdout.write(text),
    stderr: (text) => stderr.write(text),
    terminal: {
      columns: () => (stdout.isTTY ? stdout.columns : undefined),
      paint: (format, text) => styleText(format, text, { stream: stdout }),
      canAsk: stdin.isTTY && stderr.isTTY,
      showsProgress: stderr.isTTY,
    },
    setExitCode: (code) => {
      process.exitCode = code;
    },
  };
}

/** The account's name, or its number where the machine knows no name for it, as in many containers. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

/** Runs a program on this process's arguments. It prints only the message of an AtlasError. */
export async function runProgram(program: Command): Promise<void> {
  process.stdout.on("error", endWithoutReader);
  process.stderr.on("error", goOnWithoutReader);
  throwInsteadOfExit(program);
  try {
    requireNode(process.versions.node);
    await program.parseAsync();
  } catch (error) {
    process.exitCode = codeAfter(error, program.opts().json === true);
  }
}

function codeAfter(error: unknown, asJson: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
  if (!isAtlasError(error)) throw error;
  process.stderr.write(errorText(error, asJson));
  return exitCodeOf(error);
}

/** Lets commander throw where it would exit with its own code, in every subcommand. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const subcommand of command.commands) throwInsteadOfExit(subcommand);
}

/** The codes of a pipe without a reader, and of a terminal that was closed. */
const GONE: readonly (string | undefined)[] = ["EPIPE", "EIO"];

/** Ends quietly when the reader of standard output is gone, as in `list | head`. A command that follows something ends that first. */
function endWithoutReader(error: NodeJS.ErrnoException): void {
  goOnWithoutReader(error);
  const listeners: EventEmitter = process;
  if (!listeners.emit(READER_GONE)) process.exit(EXIT.done);
}

/** Progress that no one reads is no reason to leave a pod behind. */
function goOnWithoutReader(error: NodeJS.ErrnoException): void {
  if (!GONE.includes(error.code)) throw error;
}
