import { globSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import ts from "typescript";

/** A file of ours, parsed. Paths are relative to the repository and use `/`. */
export interface Source {
  readonly path: string;
  readonly tree: ts.SourceFile;
}

/** One mention of another module: an import, a re-export, `import()` or `import("…").Type`. */
export interface Import {
  readonly specifier: string;
  /** The file it leads to; absent for a package. */
  readonly target: string | undefined;
  readonly isDynamic: boolean;
  readonly isTypeOnly: boolean;
  /** `file:line`, where an editor finds it. */
  readonly place: string;
}

/** Every TypeScript file that matches, in order of path. */
export function readSources(...patterns: readonly string[]): readonly Source[] {
  return globSync(patterns, { exclude: ["**/node_modules/**", "examples/*/.next/**"] })
    .map((path) => path.replaceAll("\\", "/"))
    .sort()
    .map((path) => ({
      path,
      tree: ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true),
    }));
}

export function lineCount(source: Source): number {
  return source.tree.getLineAndCharacterOfPosition(source.tree.text.trimEnd().length).line + 1;
}

export function placeOf(source: Source, node: ts.Node): string {
  const { line } = source.tree.getLineAndCharacterOfPosition(node.getStart());
  return `${source.path}:${line + 1}`;
}

/** Every node of a file, from the outside in. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    children.push(child);
  });
  for (const child of children) yield* nodesOf(child);
}

export function importsOf(source: Source): readonly Import[] {
  return [...nodesOf(source.tree)].flatMap((node) => {
    const specifier = specifierOf(node);
    if (specifier === undefined) return [];
    return [
      {
        specifier,
        target: specifier.startsWith(".") ? posix.join(posix.dirname(source.path), specifier) : undefined,
        isDynamic: ts.isCallExpression(node),
        isTypeOnly: isTypeOnly(node),
        place: placeOf(source, node),
      },
    ];
  });
}

function specifierOf(node: ts.Node): string | undefined {
  const text = (value: ts.Node | undefined): string | undefined =>
    value !== undefined && ts.isStringLiteralLike(value) ? value.text : undefined;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return text(node.moduleSpecifier);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return text(node.argument.literal);
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return text(node.arguments[0]);
  return undefined;
}

function isTypeOnly(node: ts.Node): boolean {
  if (ts.isImportTypeNode(node)) return true;
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  if (!ts.isImportDeclaration(node)) return false;
  const clause = node.importClause;
  if (clause === undefined) return false;
  const named = clause.namedBindings;
  const namesOnlyTypes =
    clause.name === undefined &&
    named !== undefined &&
    ts.isNamedImports(named) &&
    named.elements.every((element) => element.isTypeOnly);
  return clause.phaseModifier === ts.SyntaxKind.TypeKeyword || namesOnlyTypes;
}
