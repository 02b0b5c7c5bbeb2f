/** Type-checks every `ts` example in the documentation and in the comments of `src`, as a user's program would be. */
import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import ts from "typescript";

/** One fenced block, padded so that its line numbers are those of its file. */
interface Example {
  readonly path: string;
  readonly line: number;
  readonly code: string;
}

/**
 * Names that every example may use; an example that declares the same name hides it. It imports the providers first: where a program extends
 * `ProviderOptions` by the package's name before a provider does by its file, the compiler loses the second.
 */
const PRELUDE = `
import type {} from "atlas-compute/docker";
import type {} from "atlas-compute/fly";
import type {} from "atlas-compute/mock";
import type {} from "atlas-compute/runpod";
declare global {
  const atlas: import("atlas-compute").Atlas;
  const compute: import("atlas-compute").Compute;
  const myProvider: (options: object) => import("atlas-compute").Provider;
  const myStore: (options: object) => import("atlas-compute").Store;
}
export {};
`;

const FENCE = /^(?<indent>[ \t*]*)```ts\n(?<code>.*?)^[ \t*]*```$/gms;

function examplesOf(path: string): readonly Example[] {
  const text = readFileSync(path, "utf8");
  return [...text.matchAll(FENCE)].map((match) => {
    const line = text.slice(0, match.index).split("\n").length;
    const code = (match.groups?.code ?? "").replaceAll(/^[ \t]*\* ?/gm, path.endsWith(".ts") ? "" : "$&");
    return { path, line, code: `${"\n".repeat(line)}${code}\nexport {};\n` };
  });
}

/** A file that exists only for the compiler, in the package's own folder: there the package is found by its name. */
function virtualPath({ path, line }: Example): string {
  return resolve(`${path.replaceAll("/", "__")}__${line}.ts`);
}

function compile(files: ReadonlyMap<string, string>): readonly ts.Diagnostic[] {
  const { config } = ts.readConfigFile("tsconfig.json", ts.sys.readFile);
  const { compilerOptions } = config as { compilerOptions: Record<string, unknown> };
  const own = { paths: {}, lib: ["es2024", "esnext.array", "esnext.disposable", "dom"] };
  const unused = { noUnusedLocals: false, noUnusedParameters: false, declaration: false };
  const { options } = ts.convertCompilerOptionsFromJson({ ...compilerOptions, ...own, ...unused }, ".");
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  host.getSourceFile = (path, target, ...rest) => {
    const text = files.get(path);
    return text === undefined
      ? getSourceFile(path, target, ...rest)
      : ts.createSourceFile(path, text, target);
  };
  return ts.getPreEmitDiagnostics(ts.createProgram([...files.keys()], options, host));
}

function describe(
  { file, start = 0, messageText }: ts.Diagnostic,
  paths: ReadonlyMap<string, string>,
): string {
  const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
  const path = file ? (paths.get(file.fileName) ?? file.fileName) : "tsconfig.json";
  return `${path}:${line}: ${ts.flattenDiagnosticMessageText(messageText, "\n  ")}`;
}

const examples = globSync(["src/**/*.ts", "README.md", "docs/**/*.md"], { exclude: ["docs/api/**"] })
  .sort()
  .flatMap(examplesOf);
const files = new Map([
  [resolve("examples-prelude.ts"), PRELUDE],
  ...examples.map((example) => [virtualPath(example), example.code] as const),
]);
const paths = new Map(examples.map((example) => [virtualPath(example), example.path]));
const problems = compile(files).map((diagnostic) => describe(diagnostic, paths));
for (const problem of problems) console.error(problem);
console.log(`${examples.length} examples, ${problems.length} problems`);
if (examples.length === 0 || problems.length > 0) process.exitCode = 1;
