/** Runs a command line in this process. No other module of the CLI touches the process. */
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import { isAtlasError } from "../errors.ts";
import type { CliWorld } from "./world.ts";

const FAILURE_CODE = 2;

/** This process as a world. */
export function processWorld(): CliWorld {
  return {
    env: process.env,
    clock: systemClock,
    processId: process.pid,
    signals: process,
    stdout: (text) => process.stdout.write(text),
    stderr: (text) => process.stderr.write(text),
  };
}

/** Runs a program on this process's arguments. It prints only the message of an AtlasError. */
export async function runProgram(program: Command): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (!isAtlasError(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = FAILURE_CODE;
  }
}
