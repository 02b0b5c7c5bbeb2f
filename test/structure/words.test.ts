import { globSync, readFileSync } from "node:fs";
import ts from "typescript";
import { expect, test } from "vitest";
import { nodesOf, readSources, type Source } from "./sources.ts";

/** A piece of text that a person reads, with the line where it begins. */
interface Text {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

const PERSONS = /\b(?:who|whom|whoever|whomever|nobody|somebody|anybody|everybody)\b/i;
const QUESTION = /^\/\*\*[\s*]*(?:What|Whether|How|Who|Whom|Whose|Why)\b/;

const sources = readSources("src/**/*.{ts,tsx}", "scripts/**/*.ts", "examples/**/*.ts");
const comments = sources.flatMap(commentsOf);

function lineAt({ tree }: Source, position: number): number {
  return tree.getLineAndCharacterOfPosition(position).line + 1;
}

function commentsOf(source: Source): readonly Text[] {
  const { text } = source.tree;
  const ranges = [...nodesOf(source.tree)].flatMap((node) => [
    ...(ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []),
    ...(ts.getTrailingCommentRanges(text, node.getEnd()) ?? []),
  ]);
  const unique = new Map(ranges.map((range) => [range.pos, range]));
  return [...unique.values()].map(({ pos, end }) => ({
    path: source.path,
    line: lineAt(source, pos),
    text: text.slice(pos, end),
  }));
}

function messagesOf(source: Source): readonly Text[] {
  return [...nodesOf(source.tree)].flatMap((node) => {
    const isText =
      ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node);
    return isText ? [{ path: source.path, line: lineAt(source, node.getStart()), text: node.text }] : [];
  });
}

/** The lines of the documentation outside code. */
function documentation(): readonly Text[] {
  const paths = globSync(["*.md", "docs/**/*.md", "examples/**/*.md"], {
    exclude: ["docs/api/**", "**/node_modules/**"],
  }).sort();
  return paths.flatMap((path) => {
    const withoutCode = readFileSync(path, "utf8").replaceAll(/^ *```.*?^ *```$/gms, (code) =>
      code.replaceAll(/[^\n]/g, ""),
    );
    return withoutCode
      .split("\n")
      .map((text, index) => ({ path, line: index + 1, text: text.replaceAll(/`[^`]*`/g, "") }));
  });
}

function placesOf(texts: readonly Text[], pattern: RegExp): readonly string[] {
  return texts
    .filter(({ text }) => pattern.test(text))
    .map(({ path, line, text }) => `${path}:${line}: ${text.trim().slice(0, 120)}`);
}

test("comments name a noun of the domain, not a person in general", () => {
  expect(placesOf(comments, PERSONS)).toEqual([]);
});

test("messages name a noun of the domain, not a person in general", () => {
  expect(placesOf(sources.flatMap(messagesOf), PERSONS)).toEqual([]);
});

test("the documentation names a noun of the domain, not a person in general", () => {
  expect(placesOf(documentation(), PERSONS)).toEqual([]);
});

test("a doc comment begins with a verb or a noun phrase, not with a question word", () => {
  expect(comments.length).toBeGreaterThan(1000);
  expect(placesOf(comments, QUESTION)).toEqual([]);
});
