import { existsSync, globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync("docs/architecture.md", "utf8");

/** The paths that the page names in code. */
function namedPaths(): readonly string[] {
  return [...page.matchAll(/`(?<path>(?:src|test)\/[\w./-]+)`/g)].flatMap(({ groups }) => groups?.path ?? []);
}

/** The files that a row of the guard's table names beside their folder. */
function guardFiles(): readonly string[] {
  const rows = page.matchAll(/^\| `(?<folder>src\/guard\/\w+)` \|.*\| (?<files>[^|]+) \|$/gm);
  return [...rows].flatMap(({ groups }) =>
    [...(groups?.files ?? "").matchAll(/`([\w-]+\.ts)`/g)].map(([, file]) => `${groups?.folder}/${file}`),
  );
}

test("the page on the architecture names only paths that exist", () => {
  const paths = [...namedPaths(), ...guardFiles()];
  expect(paths.length).toBeGreaterThan(40);
  expect(paths.filter((path) => !existsSync(path))).toEqual([]);
});

test("the page on the architecture names every folder of src", () => {
  const folders = globSync("src/*/").map((path) => path.replaceAll("\\", "/").replace(/\/$/, ""));
  expect(folders.length).toBeGreaterThan(5);
  expect(folders.filter((folder) => !page.includes(folder))).toEqual([]);
});
