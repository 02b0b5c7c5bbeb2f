import ts from "typescript";
import { expect, test } from "vitest";
import { nodesOf, placeOf, readSources, type Source } from "./sources.ts";

/** A thing that exists once, and the place of that one. */
interface Rule {
  readonly name: string;
  /** The files that may contain it: the one implementation, and the places where a reason stands beside it. */
  readonly allowed: RegExp;
  readonly isFound: (node: ts.Node) => boolean;
  readonly advice: string;
}

/** Parts of an IPv4 address in a regular expression. */
const PRIVATE_ADDRESS = /\b(?:127|10|192\\?\.168|169\\?\.254|172\\?\.)\\\./;

const rules: readonly Rule[] = [
  {
    name: "a property that may be undefined is dropped by defined(), not by a spread",
    allowed: /^$/,
    isFound: isConditionalSpread,
    advice: "...defined({ name })",
  },
  {
    name: "JSON is parsed by internal/json.ts, or where a checked border needs a reviver or its own error",
    allowed: /^src\/(internal\/json|stores\/sql\/columns|laws\/store\/arbitraries|browser\/follow)\.ts$/,
    isFound: (node) => isCallOf(node, "JSON.parse"),
    advice: "use parseJson of internal/json.ts",
  },
  {
    name: "private addresses are known by internal/addresses.ts, not by a regular expression",
    allowed: /^$/,
    isFound: (node) => ts.isRegularExpressionLiteral(node) && PRIVATE_ADDRESS.test(node.text),
    advice: "use isPrivateHost or isPrivateAddress of internal/addresses.ts",
  },
  {
    name: "time passes on the injected clock: timers are set by clocks, and by processes that end themselves",
    allowed:
      /^src\/(clock|internal\/[^/]+|providers\/mock\/manual-clock|providers\/local\/local-supervisor|guard\/life\/self-ending)\.ts$/,
    isFound: (node) => isCallOf(node, "setTimeout") || isCallOf(node, "setInterval"),
    advice: "use pause of internal/pause.ts, or within of internal/within.ts",
  },
  {
    name: "the form of a provider's name is PROVIDER_NAME of internal/names.ts",
    // A port's name has the same form, but is another thing.
    allowed: /^src\/(internal\/names|request)\.ts$/,
    isFound: (node) => ts.isRegularExpressionLiteral(node) && node.text.includes("[a-z][a-z0-9-]{0,31}"),
    advice: "use PROVIDER_NAME of internal/names.ts",
  },
  {
    name: "a maximum is called MAX_…",
    allowed: /^$/,
    isFound: isOtherMaximum,
    advice: "call it MAX_…",
  },
];

/** `...(value === undefined ? {} : { value })`, with either branch empty and any comparison with undefined. */
function isConditionalSpread(node: ts.Node): boolean {
  if (!ts.isSpreadAssignment(node) || !ts.isParenthesizedExpression(node.expression)) return false;
  const choice = node.expression.expression;
  if (!ts.isConditionalExpression(choice)) return false;
  const branches = [choice.whenTrue, choice.whenFalse];
  const isEmpty = branches.some(
    (branch) => ts.isObjectLiteralExpression(branch) && !branch.properties.length,
  );
  return isEmpty && /[!=]==? *undefined\b/.test(choice.condition.getText());
}

function isCallOf(node: ts.Node, name: string): boolean {
  return ts.isCallExpression(node) && node.expression.getText().replace(/^globalThis\./, "") === name;
}

function isOtherMaximum(node: ts.Node): boolean {
  if (!ts.isVariableDeclaration(node) || !ts.isIdentifier(node.name)) return false;
  const { text } = node.name;
  return (
    /^[A-Z][A-Z0-9_]*$/.test(text) && /(?:^|_)(?:MAXIMUM|MOST|LONGEST|LARGEST|BIGGEST|MAX$|_MAX_)/.test(text)
  );
}

const sources = readSources("src/**/*.{ts,tsx}");

function violationsOf({ allowed, isFound, advice }: Rule, among: readonly Source[]): readonly string[] {
  return among
    .filter(({ path }) => !allowed.test(path))
    .flatMap((source) =>
      [...nodesOf(source.tree)].filter(isFound).map((node) => `${placeOf(source, node)}: ${advice}`),
    );
}

test.each(rules)("$name", (rule) => {
  expect(violationsOf(rule, sources)).toEqual([]);
});

test.each([
  [0, "const a = { ...(b === undefined ? {} : { b }) };"],
  [0, "const a = { ...(b !== undefined ? { b } : {}) };"],
  [1, "const a = JSON.parse(text);"],
  [2, String.raw`const a = /^(?:127\.|10\.)/;`],
  [3, "globalThis.setTimeout(run, 1);"],
  [4, "const a = /^[a-z][a-z0-9-]{0,31}$/;"],
  [5, "const MOST_PAGES = 3;"],
  [5, "const BYTES_MAX = 3;"],
])("rule %i finds its violation in: %s", (index, text) => {
  const tree = ts.createSourceFile("src/a.ts", text, ts.ScriptTarget.Latest, true);
  const rule = rules[index];
  expect(rule && violationsOf(rule, [{ path: "src/a.ts", tree }])).toHaveLength(1);
});
