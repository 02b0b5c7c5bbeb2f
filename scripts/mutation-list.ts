/** The lists of the mutants that no test notices: one for each part, with the digests of the code and of the tests that it was made by. */
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** The result of one file. */
export interface Listed {
  /** The file's content when its mutants were tested. */
  readonly digest: string;
  /** The content of the tests that judged them, and of all that these read below `test`. */
  readonly tests: string;
  readonly mutants: number;
  readonly survivors: readonly string[];
}

/** The results of a part's files, by their paths. */
export type List = Readonly<Record<string, Listed>>;

function listPath(part: string): string {
  return `test/mutation/survivors/${part}.json`;
}

/** Reads the list of a part, which is empty before its first test. */
export function readList(part: string): List {
  return existsSync(listPath(part)) ? JSON.parse(readFileSync(listPath(part), "utf8")) : {};
}

/** Brings the list of a part up to date. Files that are gone leave it. */
export function writeList(part: string, results: List): void {
  const sorted = Object.entries({ ...readList(part), ...results })
    .filter(([file]) => existsSync(file))
    .toSorted(([one], [other]) => one.localeCompare(other));
  writeFileSync(listPath(part), `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
}

/** Names the content of some files by one text. */
export function digestOf(files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(file)).update("\0");
  return hash.digest("hex").slice(0, 12);
}

/** Finds the files of these patterns, and what they import or read below `test`, by its relative name. */
export function withWhatTheyRead(patterns: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const add = (file: string): void => {
    if (found.has(file)) return;
    found.add(file);
    if (!file.endsWith(".ts")) return;
    for (const [, name = ""] of readFileSync(file, "utf8").matchAll(/"(\.{1,2}\/[^"]+\.\w+)"/g)) {
      const path = normalize(join(dirname(file), name));
      if (path.startsWith("test/") && existsSync(path)) add(path);
    }
  };
  for (const file of globSync([...patterns])) add(file);
  return [...found].toSorted((one, other) => (one < other ? -1 : Number(one > other)));
}

/** The items less the known ones, each of which counts once. */
export function without(items: readonly string[], known: readonly string[]): readonly string[] {
  const left = [...known];
  return items.filter((item) => {
    const index = left.indexOf(item);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}
