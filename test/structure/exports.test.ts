import ts from "typescript";
import { expect, test } from "vitest";
import { nodesOf, readSources, type Source } from "./sources.ts";

const sources = readSources("src/**/*.{ts,tsx}");

/** `[inspect]() …`: a member named by a symbol has a type all the same. */
const COMPUTED_NAME = 9038;

/**
 * What may leave its type to be worked out: a schema, which tells it better than an annotation could (`z.infer` gives it a
 * name), and a table that stays in its file.
 */
function isFree(node: ts.Node): node is ts.VariableDeclaration {
  if (!ts.isVariableDeclaration(node)) return false;
  const isSchema = /\bz\s*\.|\b(field|optional)\(/.test(node.initializer?.getText() ?? "");
  return isSchema || !/^export\b/.test(node.parent.parent.getText());
}

/** What the compiler could not declare from this file alone. */
function guessesOf({ path, tree }: Source): readonly string[] {
  const free = new Set([...nodesOf(tree)].filter(isFree).map(({ name }) => name.getStart()));
  const compilerOptions = { isolatedDeclarations: true, target: ts.ScriptTarget.ES2024 };
  const options = { fileName: path, reportDiagnostics: true, compilerOptions };
  return (ts.transpileDeclaration(tree.text, options).diagnostics ?? [])
    .filter(({ code, start = 0 }) => code !== COMPUTED_NAME && !free.has(start))
    .map(({ start = 0, messageText }) => {
      const line = tree.getLineAndCharacterOfPosition(start).line + 1;
      return `${path}:${line}: ${ts.flattenDiagnosticMessageText(messageText, "; ")}`;
    });
}

test("every export but a schema says its type, so that a change of it is seen", () => {
  expect(sources.flatMap(guessesOf)).toEqual([]);
  // It reads every source file: on a busy machine that takes more than the usual limit.
}, 120_000);
