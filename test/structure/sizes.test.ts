import ts from "typescript";
import { expect, test } from "vitest";
import { lineCount, nodesOf, placeOf, readSources, type Source } from "./sources.ts";

const MAX_LINES_OF_FILE = 300;
const MAX_LINES_OF_FUNCTION = 60;

const sources = readSources("src/**/*.{ts,tsx}", "scripts/**/*.ts");
const functions = sources.flatMap(functionsOf);

function functionsOf(source: Source): readonly { place: string; lines: number }[] {
  const line = (position: number): number => source.tree.getLineAndCharacterOfPosition(position).line;
  return [...nodesOf(source.tree)]
    .filter((node) => ts.isFunctionLike(node) && "body" in node && node.body !== undefined)
    .map((node) => ({
      place: placeOf(source, node),
      lines: line(node.getEnd()) - line(node.getStart()) + 1,
    }));
}

function quantile(share: number): number {
  const lines = functions.map((entry) => entry.lines).sort((a, b) => a - b);
  return lines[Math.floor(lines.length * share)] ?? Number.NaN;
}

test(`no file is longer than ${MAX_LINES_OF_FILE} lines`, () => {
  const violations = sources
    .map((source) => ({ path: source.path, lines: lineCount(source) }))
    .filter(({ lines }) => lines > MAX_LINES_OF_FILE)
    .map(({ path, lines }) => `${path} has ${lines} lines: split it by what its parts are about`);
  expect(violations).toEqual([]);
});

test(`no function is longer than ${MAX_LINES_OF_FUNCTION} lines`, () => {
  const violations = functions
    .filter(({ lines }) => lines > MAX_LINES_OF_FUNCTION)
    .map(({ place, lines }) => `${place} has ${lines} lines: give its steps names of their own`);
  expect(violations).toEqual([]);
});

test("half of all functions have at most 10 lines, nine of ten at most 35", () => {
  expect(quantile(0.5)).toBeLessThanOrEqual(10);
  expect(quantile(0.9)).toBeLessThanOrEqual(35);
});
