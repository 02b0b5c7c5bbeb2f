import { readFileSync } from "node:fs";
import ts from "typescript";
import { expect, test } from "vitest";
import { entries, programs } from "../../scripts/entries.ts";

/** What these tests read of the package's JSON files. */
interface Configuration {
  readonly exports: unknown;
  readonly bin: unknown;
  readonly compilerOptions: { readonly paths: unknown };
  readonly entryPoints: unknown;
}

const manifest = readJson("package.json");

/** A JSON file of ours, comments allowed. */
function readJson(path: string): Configuration {
  return ts.parseConfigFileTextToJson(path, readFileSync(path, "utf8")).config;
}

test("package.json exports every entry point, types first, and itself", () => {
  const expected = entries.map(({ subpath, types, bundle }) => [
    subpath,
    { types: `./${types}`, default: `./${bundle}` },
  ]);
  expect(manifest.exports).toEqual(Object.fromEntries([...expected, ["./package.json", "./package.json"]]));
});

test("package.json names the command line as the package's command", () => {
  const commandLine = programs.find(({ source }) => source.startsWith("src/cli/"));
  expect(manifest.bin).toEqual({ "atlas-compute": `./${commandLine?.bundle}` });
});

test("tsconfig.json leads the package's own name to the sources, so that types need no build", () => {
  const expected = entries.map(({ subpath, source }) => [
    subpath.replace(".", "atlas-compute"),
    [`./${source}`],
  ]);
  expect(readJson("tsconfig.json").compilerOptions.paths).toEqual(Object.fromEntries(expected));
});

test("typedoc.json documents every entry point", () => {
  expect(readJson("typedoc.json").entryPoints).toEqual(entries.map(({ source }) => source));
});

test.each(entries)("$source opens with a comment about the module", ({ source }) => {
  expect(readFileSync(source, "utf8")).toMatch(/^\/\*\*.*?@module.*?\*\//s);
});
