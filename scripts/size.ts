/** Measures the cost of importing the package, and fails when a user's bundle exceeds its budget. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { constants, gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { entries } from "./entries.ts";

/** The budget of a user's bundle of `createAtlas` and `runpod`, in gzipped bytes. */
const BUDGET_BYTES = 24 * 1024;
/** The budget of importing both, above an empty process. The script only prints it, because a busy machine would fail it. */
const BUDGET_MILLISECONDS = 15;
/** The budgets of what a page loads, in gzipped bytes. */
const PAGE_BUDGETS: Readonly<Record<string, number>> = { browser: 4608, react: 1024 };
const PAIRS = 15;
const DISCARDED_PAIRS = 2;

const USER_PROGRAM = `
import { createAtlas } from "atlas-compute";
import { runpod } from "atlas-compute/runpod";
export { createAtlas, runpod };
`;
const IMPORTS = `await import("atlas-compute"); await import("atlas-compute/runpod");`;

function gzippedBytes(content: Uint8Array): number {
  return gzipSync(content, { level: constants.Z_BEST_COMPRESSION }).length;
}

const { peerDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
/** Loaded at the first request, or only where the user has installed it. */
const OUTSIDE: string[] = ["ky", ...Object.keys(peerDependencies)];

/** The files of a user's bundle, minified: those that an import loads, and those that wait for the first call. */
interface UserBundle {
  readonly loaded: Uint8Array;
  readonly lazy: Uint8Array;
}

/** Bundles a user's program, as a bundler does that puts `import()` into separate files. */
async function bundleForUser(program: string): Promise<UserBundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir: "." },
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "node",
    external: OUTSIDE,
    outdir: ".",
    metafile: true,
    write: false,
  });
  const loaded = loadedFiles(metafile.outputs, "stdin.js");
  const contentOf = (isWanted: (path: string) => boolean): Uint8Array =>
    Buffer.concat(
      outputFiles.filter(({ path }) => isWanted(relative(".", path))).map(({ contents }) => contents),
    );
  return { loaded: contentOf((path) => loaded.has(path)), lazy: contentOf((path) => !loaded.has(path)) };
}

/** A file of a bundle and all that it imports outright, not by `import()`. */
function loadedFiles(outputs: Metafile["outputs"], file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const { path, kind } of outputs[file]?.imports ?? [])
    if (kind === "import-statement" && path in outputs) loadedFiles(outputs, path, found);
  return found;
}

/** Bundles an entry for a page: minified, without the packages and the client beside it. A module of Node would fail the build. */
async function bundleForPage(source: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [source],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    external: ["react", "../browser/index.ts"],
    write: false,
  });
  return Buffer.concat(outputFiles.map(({ contents }) => contents));
}

function processMilliseconds(program: string): number {
  const { NODE_OPTIONS, NODE_COMPILE_CACHE, ...env } = process.env;
  const before = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", `${program}process.exit(0)`],
    { env },
  );
  if (status !== 0) throw new Error(`the import failed: ${stderr}`);
  return performance.now() - before;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Median of a process that imports minus median of an empty one, in interleaved pairs, so that both see the same noise. */
function importMilliseconds(program: string): number {
  const pairs = Array.from({ length: DISCARDED_PAIRS + PAIRS }, () => ({
    empty: processMilliseconds(""),
    full: processMilliseconds(program),
  })).slice(DISCARDED_PAIRS);
  return median(pairs.map(({ full }) => full)) - median(pairs.map(({ empty }) => empty));
}

function print(label: string, value: string, remark = ""): void {
  console.log(`${label.padEnd(44)} ${value.padStart(10)}  ${remark}`.trimEnd());
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KB`;
}

for (const { subpath } of entries) {
  const specifier = subpath.replace(".", "atlas-compute");
  const whole = await bundleForUser(`export * from "${specifier}";`);
  print(`all of ${specifier}`, kilobytes(gzippedBytes(whole.loaded)), "gzipped");
}
const { loaded, lazy } = await bundleForUser(USER_PROGRAM);
const size = gzippedBytes(loaded);
const time = importMilliseconds(IMPORTS);
print(
  "createAtlas + runpod in a user's bundle",
  kilobytes(size),
  `gzipped; budget ${kilobytes(BUDGET_BYTES)}`,
);
print(
  "… and what it loads at the first call",
  kilobytes(gzippedBytes(lazy)),
  "gzipped, beside ky; not counted: no import waits for it",
);
print(
  "importing both, above an empty process",
  `${time.toFixed(1)} ms`,
  `Node ${process.versions.node}; budget ${BUDGET_MILLISECONDS} ms on a quiet machine`,
);
for (const [name, budget] of Object.entries(PAGE_BUDGETS)) {
  const bytes = gzippedBytes(await bundleForPage(`src/${name}/index.ts`));
  print(`atlas-compute/${name} in a page`, `${bytes} bytes`, `gzipped; budget ${budget}`);
  if (bytes > budget) {
    console.error(`atlas-compute/${name} is over budget by ${bytes - budget} bytes`);
    process.exitCode = 1;
  }
}
if (size > BUDGET_BYTES) {
  console.error(`Over budget by ${size - BUDGET_BYTES} bytes: see what came in with esbuild's --analyze`);
  process.exitCode = 1;
}
