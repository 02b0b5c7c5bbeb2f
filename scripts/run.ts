/** Runs other programs for the scripts beside this file. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

/** Runs a program with this process's output, and throws when it fails. */
export async function run(command: string, args: readonly string[], cwd: string = "."): Promise<void> {
  const child = spawn(command, args, { cwd, stdio: "inherit" });
  const [code, signal] = await once(child, "close");
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code ?? signal}`);
}

/** Runs a program and returns its output. Throws when it fails. */
export function outputOf(command: string, args: readonly string[], cwd: string = "."): string {
  return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}
