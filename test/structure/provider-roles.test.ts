import { posix } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { importsOf, nodesOf, placeOf, readSources, type Source } from "./sources.ts";

/** The files that every provider has, each with the functions that the file exports in every provider. */
const REQUIRED = {
  index: [],
  candidates: ["findCandidates"],
  create: ["createInstance"],
  instances: ["getInstance", "listInstances", "terminateInstance", "stopInstance", "startInstance"],
  convert: ["toInstance"],
  options: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** The files that a provider with an HTTP API has in addition. */
const REQUIRED_WITH_HTTP = ["api", "wire"];

/** Other words for a role, each with the word that the project uses. */
const SYNONYMS: Readonly<Record<string, string>> = {
  placement: "candidates",
  offers: "candidates",
  plan: "create",
  body: "create",
  launcher: "create",
  find: "instances",
  lifecycle: "instances",
  machines: "instances",
  operations: "instances",
  pods: "instances",
  mapper: "convert",
  mapping: "convert",
  transform: "convert",
  schema: "wire",
  schemas: "wire",
  client: "api",
  requests: "api",
  config: "options",
  settings: "options",
};

const sources = readSources("src/providers/*/*.ts");
const providers = Map.groupBy(sources, ({ path }) => posix.basename(posix.dirname(path)));
const folders = [...providers].map(([name, files]) => ({ name, files }));

function roleOf({ path }: Source): string {
  return posix.basename(path, ".ts");
}

function usesHttp(files: readonly Source[]): boolean {
  return files.flatMap(importsOf).some(({ target }) => target === "src/internal/http.ts");
}

function exportedFunctionsOf({ tree }: Source): readonly string[] {
  return tree.statements
    .filter((statement) => ts.isFunctionDeclaration(statement))
    .filter(({ modifiers }) => modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword))
    .flatMap(({ name }) => name?.text ?? []);
}

test("every folder of providers is read", () => {
  expect(folders.map(({ name }) => name)).toEqual(["docker", "fly", "local", "mock", "runpod"]);
});

test.each(folders)("$name has a file for every role", ({ files }) => {
  const required = [...Object.keys(REQUIRED), ...(usesHttp(files) ? REQUIRED_WITH_HTTP : [])];
  expect(files.map(roleOf)).toEqual(expect.arrayContaining(required));
});

test.each(folders)("$name has no other word for a role", ({ files }) => {
  const violations = files
    .filter((file) => Object.hasOwn(SYNONYMS, roleOf(file)))
    .map((file) => `${file.path}: call it ${SYNONYMS[roleOf(file)]}.ts`);
  expect(violations).toEqual([]);
});

test.each(folders)("$name has the functions of each role in its file, by the same names", ({ files }) => {
  const missing = files.flatMap((file) => {
    const names = Object.entries(REQUIRED).find(([role]) => role === roleOf(file))?.[1] ?? [];
    const exported = exportedFunctionsOf(file);
    return names.filter((name) => !exported.includes(name)).map((name) => `${file.path} lacks ${name}`);
  });
  expect(missing).toEqual([]);
});

test.each(folders)("$name converts without waiting and without a module of Node", ({ files }) => {
  const convert = files.filter((file) => roleOf(file) === "convert");
  const waits = convert.flatMap((file) =>
    [...nodesOf(file.tree)].filter(ts.isAwaitExpression).map((node) => placeOf(file, node)),
  );
  const modules = convert.flatMap(importsOf).filter(({ specifier }) => specifier.startsWith("node:"));
  expect([...waits, ...modules.map(({ place }) => place)]).toEqual([]);
});
