/** Measures what importing the package costs, and fails when a user's bundle outgrows its budget. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { entries } from "./entries.ts";

/** What a user's bundle of `createAtlas` and `runpod` may weigh, in gzipped bytes. */
const BUDGET_BYTES = 20 * 1024;
/** What importing both may take above an empty process; shown, not held: a busy machine would decide. */
const BUDGET_MILLISECONDS = 15;
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

/** The bundle that a user ships. ky and p-retry are chunks of their own, loaded at the first request: not counted. */
async function userBundle(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents: USER_PROGRAM, resolveDir: "." },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    external: ["ky", "p-retry"],
    write: false,
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error("esbuild wrote no bundle");
  return file.contents;
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

for (const { subpath, bundle } of entries)
  print(
    subpath.replace(".", "atlas-compute"),
    kilobytes(gzippedBytes(readFileSync(bundle))),
    "as shipped, gzipped",
  );

const content = await userBundle();
const size = gzippedBytes(content);
print(
  "createAtlas + runpod in a user's bundle",
  kilobytes(size),
  `gzipped; budget ${kilobytes(BUDGET_BYTES)}`,
);
print("the same, minified", kilobytes(content.length));
print(
  "importing both, above an empty process",
  `${importMilliseconds(IMPORTS).toFixed(1)} ms`,
  `Node ${process.versions.node}; budget ${BUDGET_MILLISECONDS} ms on a quiet machine`,
);
if (size > BUDGET_BYTES) {
  console.error(`Over budget by ${size - BUDGET_BYTES} bytes: see what came in with esbuild's --analyze`);
  process.exitCode = 1;
}
