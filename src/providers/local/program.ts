/** The file that the supervisor runs from. */
import { createHash, randomUUID } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { orAbsent } from "./state-folder.ts";
import { type SupervisorProgram, supervisor } from "./supervisor.ts";

/**
 * The path of the supervisor's program. A program that this package has as text is put into the state folder, under a name that its
 * content decides: a copy of this package in an application's bundle needs no file beside it, and another version does no harm.
 */
export async function supervisorPath(
  stateDirectory: string,
  program: SupervisorProgram = supervisor,
): Promise<string> {
  if ("path" in program) return program.path;
  const { source } = program;
  const digest = createHash("sha256").update(source).digest("hex").slice(0, 16);
  const path = join(stateDirectory, `.supervisor-${digest}.mjs`);
  if ((await orAbsent(readFile(path, "utf8"))) === source) return path;
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, source, { mode: 0o600 });
  await rename(draft, path);
  return path;
}
