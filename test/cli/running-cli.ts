/** A command line that goes on until a signal or its own end. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { waitFor } from "../guard/support/proxied.ts";
import { bareEnv } from "../support/bare-env.ts";
import type { CliResult } from "./run-cli.ts";

const program = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** A command that runs. */
export interface RunningCli {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<CliResult>;
  /** Waits until its output has a match. */
  shows(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Starts a command with no environment but the given one and the path. */
export function startCli(
  args: readonly string[],
  { env, cwd }: { readonly env: Readonly<Record<string, string>>; readonly cwd: string },
): RunningCli {
  const child = spawn(process.execPath, ["--no-warnings", program, ...args], {
    cwd,
    env: { ...bareEnv(), ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<CliResult>((resolve) =>
    child.once("close", (code) => resolve({ code, stdout, stderr })),
  );
  const shows = async (pattern: RegExp): Promise<RegExpExecArray> => {
    await waitFor(() => pattern.test(stdout + stderr));
    const match = pattern.exec(stdout + stderr);
    if (match === null) throw new Error("a match is gone");
    return match;
  };
  return { child, stdout: () => stdout, stderr: () => stderr, ended, shows };
}
