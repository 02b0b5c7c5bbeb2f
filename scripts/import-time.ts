/** Measures the time of a process that imports a module. */
import { spawnSync } from "node:child_process";

/** Milliseconds of one process that runs a program and ends. @throws when the program fails */
export function processMilliseconds(program: string, folder: string = "."): number {
  const { NODE_OPTIONS, NODE_COMPILE_CACHE, ...env } = process.env;
  const before = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", `${program};process.exit(0)`],
    { env, cwd: folder },
  );
  if (status !== 0) throw new Error(`the import failed: ${stderr}`);
  return performance.now() - before;
}
