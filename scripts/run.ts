/** Running other programs, for the scripts beside this file. */
import { spawn } from "node:child_process";
import { once } from "node:events";

/** Runs a program with this process's output, and throws when it fails. */
export async function run(command: string, args: readonly string[], cwd: string = "."): Promise<void> {
  const child = spawn(command, args, { cwd, stdio: "inherit" });
  const [code, signal] = await once(child, "close");
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code ?? signal}`);
}
