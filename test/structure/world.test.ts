import ts from "typescript";
import { expect, test } from "vitest";
import { importsOf, nodesOf, placeOf, readSources, type Source } from "./sources.ts";

/** Where the environment may be read: the defaults of factories and of the client, the guard, and the command line. */
const READS_ENVIRONMENT =
  /^src\/(providers\/[^/]+\/(index|options|credentials)|default-client|atlas-options|tenants\/options|server\/shared-atlas|guard\/.+|cli\/.+)\.ts$/;
/** Where a person is spoken to: the command line, and by default the guard, which is its program in the pod. */
const PRINTS = /^src\/(cli|guard)\//;

const sources = readSources("src/**/*.{ts,tsx}");

/** Places in the files outside `allowed` where a node is found, each with what to do instead. */
function violations(allowed: RegExp, isFound: (node: ts.Node) => boolean, advice: string): readonly string[] {
  return sources
    .filter(({ path }) => !allowed.test(path))
    .flatMap((source) => found(source, isFound).map((node) => `${placeOf(source, node)}: ${advice}`));
}

function found(source: Source, isFound: (node: ts.Node) => boolean): readonly ts.Node[] {
  return [...nodesOf(source.tree)].filter(isFound);
}

function isMemberOf(node: ts.Node, object: string, member?: string): boolean {
  if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) return false;
  if (node.expression.getText() !== object && node.expression.getText() !== `globalThis.${object}`)
    return false;
  const name = ts.isPropertyAccessExpression(node) ? node.name.text : node.argumentExpression.getText();
  return member === undefined || name.includes(member);
}

test("only factory defaults, the guard and the command line read the environment", () => {
  const advice = "take the value as an option; only a factory's default may come from the environment";
  expect(violations(READS_ENVIRONMENT, (node) => isMemberOf(node, "process", "env"), advice)).toEqual([]);
});

test("nobody gets at the environment through an import of node:process", () => {
  const imports = sources.flatMap(importsOf).filter(({ specifier }) => /^(node:)?process$/.test(specifier));
  expect(imports.map(({ place }) => `${place}: use the global process, which this test can follow`)).toEqual(
    [],
  );
});

test("only the command line and the guard print", () => {
  const advice = "return it, throw it, or hand it to the caller's logger";
  expect(violations(PRINTS, (node) => isMemberOf(node, "console"), advice)).toEqual([]);
});

test("the clock is asked, not the machine", () => {
  // What is a clock may; so may auth, whose functions take `now` in its place.
  const allowed = /^src\/(.*clock\.ts$|auth\/|cli\/)/;
  const isNow = (node: ts.Node): boolean =>
    isMemberOf(node, "Date", "now") ||
    (ts.isNewExpression(node) && node.expression.getText() === "Date" && !node.arguments?.length);
  expect(violations(allowed, isNow, "take a clock as an option")).toEqual([]);
});
