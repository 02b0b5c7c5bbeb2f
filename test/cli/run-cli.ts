/** The command line as a process of its own. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { bareEnv } from "../support/bare-env.ts";

const program = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** How a command ended, and what it wrote. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a command runs. */
export interface CliSetting {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

/** Runs the command line with these arguments, and nothing of this process's environment but the path. */
export async function runCli(
  args: readonly string[],
  { env = {}, input = "", cwd = process.cwd() }: CliSetting = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, ["--no-warnings", program, ...args], {
    cwd,
    env: { ...bareEnv(), ...env },
  });
  child.stdin.end(input);
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const [code, stdout, stderr] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}
