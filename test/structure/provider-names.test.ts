import ts from "typescript";
import { expect, test } from "vitest";
import { nodesOf, placeOf, readSources, type Source } from "./sources.ts";

const sources = readSources("src/**/*.{ts,tsx}");
const names = new Set(sources.flatMap(({ path }) => /^src\/providers\/([^/]+)\//.exec(path)?.slice(1) ?? []));

function isComparison(node: ts.Node): boolean {
  if (ts.isCaseClause(node)) return true;
  return ts.isBinaryExpression(node) && /^[!=]==?$/.test(node.operatorToken.getText());
}

function branchesOn(source: Source): readonly string[] {
  return [...nodesOf(source.tree)]
    .filter((node) => ts.isStringLiteral(node) && names.has(node.text) && isComparison(node.parent))
    .map((node) => `${placeOf(source, node)} compares with ${node.getText()}`);
}

test("nothing outside a provider's folder branches on the name of a provider", () => {
  const advice = "make the difference a field or an optional method of the contract";
  const violations = sources
    .filter(({ path }) => !path.startsWith("src/providers/"))
    .flatMap(branchesOn)
    .map((violation) => `${violation}: ${advice}`);
  expect(names.size).toBeGreaterThan(0);
  expect(violations).toEqual([]);
});
