/** Runs a command in place of this process: with its input, output, signals and exit code. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { CliWorld } from "./world.ts";

/** The signals that pass on to the command. */
export const PASSED_SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR2"] as const;

/** One of {@link PASSED_SIGNALS}. */
export type PassedSignal = (typeof PASSED_SIGNALS)[number];

/** The variables of the pod that are no secret. Every other `ATLAS_*` stays with the guard, one that a later version adds too. */
const SHARED = new Set([
  "ATLAS_AUTH",
  "ATLAS_COMPUTE_ID",
  "ATLAS_CONTROL_URL",
  "ATLAS_DEADLINE",
  "ATLAS_ORIGINS",
]);

const NOT_FOUND_CODE = 127;
const NOT_EXECUTABLE_CODE = 126;

/** A running command. */
export interface Supervised {
  /** The exit code as a shell gives it: 128 plus the signal's number after a signal, 126 or 127 when the command could not start. */
  readonly exited: Promise<number>;
  /** Sends a signal to the command. */
  kill(signal: PassedSignal): void;
}

/** The environment for a command that needs none of the guard's secrets. */
export function withoutSecrets(env: CliWorld["env"]): CliWorld["env"] {
  const isKept = ([name]: readonly [string, unknown]): boolean =>
    !name.startsWith("ATLAS_") || SHARED.has(name);
  return Object.fromEntries(Object.entries(env).filter(isKept));
}

/** Starts a command with this process's input and output. */
export function supervise([program = "", ...rest]: readonly string[], world: CliWorld): Supervised {
  const child = spawn(program, rest, { stdio: "inherit", env: world.env });
  const exited = new Promise<number>((resolve) => {
    child.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? "SIGKILL"]));
    child.once("error", (error: NodeJS.ErrnoException) => {
      world.stderr(`${program} could not be started: ${error.code}.\n`);
      resolve(error.code === "ENOENT" ? NOT_FOUND_CODE : NOT_EXECUTABLE_CODE);
    });
  });
  return { exited, kill: (signal) => child.kill(signal) };
}
