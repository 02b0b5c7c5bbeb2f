/** Declarations that the published types need. */
import { existsSync, globSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";

/** Deletes every declaration under a folder that no entry reaches, and returns the number of those that stay. */
export function pruneDeclarations(folder: string, entries: readonly string[]): number {
  const reached = reachedFrom(entries.map(normalize));
  for (const path of globSync(`${folder}/**/*.d.ts`)) if (!reached.has(normalize(path))) rmSync(path);
  return reached.size;
}

/** The declarations that these reach by import, re-export or `import("…").Type`, themselves included. */
function reachedFrom(entries: readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = [...entries];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    open.push(...mentionedIn(path));
  }
  return reached;
}

function mentionedIn(path: string): readonly string[] {
  const { importedFiles, referencedFiles } = ts.preProcessFile(readFileSync(path, "utf8"), true, false);
  return [...importedFiles, ...referencedFiles]
    .filter(({ fileName }) => fileName.startsWith("."))
    .map(({ fileName }) => {
      const target = join(dirname(path), fileName.replace(/(?:\.d)?\.[jt]s$/, ".d.ts"));
      if (!existsSync(target)) throw new Error(`${path} mentions ${fileName}, but ${target} does not exist`);
      return target;
    });
}
