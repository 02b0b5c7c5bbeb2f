/** Measures the cost of importing the package, and fails when a user's bundle exceeds its budget. */
import { readFileSync } from "node:fs";
import { build } from "esbuild";
import { inTurns, median } from "./bench/figures.ts";
import { entries } from "./entries.ts";
import { processMilliseconds } from "./import-time.ts";
import { bundleForUser, gzippedBytes, kilobytes, openedFiles } from "./user-bundle.ts";

/** The budget of a user's bundle of `createAtlas` and `runpod`, in gzipped bytes. */
const BUDGET_BYTES = 24 * 1024;
/** The budget of importing both, above an empty process. The script only prints it, because a busy machine would fail it. */
const BUDGET_MILLISECONDS = 15;
/** The budgets of what a page loads, in gzipped bytes. */
const PAGE_BUDGETS: Readonly<Record<string, number>> = { browser: 4096, react: 1024 };
/** The most files of the package that importing both may open: each costs a third of a millisecond. */
const BUDGET_FILES = 4;
const PAIRS = 15;

const USER_PROGRAM = `
import { createAtlas } from "atlas-compute";
import { runpod } from "atlas-compute/runpod";
export { createAtlas, runpod };
`;
const IMPORTS = `await import("atlas-compute"); await import("atlas-compute/runpod");`;

const { peerDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
/** Loaded at the first request, or only where the user has installed it. */
const external: readonly string[] = ["ky", ...Object.keys(peerDependencies)];

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

/** Median of a process that imports minus median of an empty one, in turns, so that both see the same noise. */
async function importMilliseconds(program: string): Promise<number> {
  const { empty, full } = await inTurns(PAIRS, {
    empty: () => processMilliseconds(""),
    full: () => processMilliseconds(program),
  });
  return median(full) - median(empty);
}

function print(label: string, value: string, remark = ""): void {
  console.log(`${label.padEnd(44)} ${value.padStart(10)}  ${remark}`.trimEnd());
}

for (const { subpath } of entries) {
  const specifier = subpath.replace(".", "atlas-compute");
  const whole = await bundleForUser(`export * from "${specifier}";`, { external });
  print(`all of ${specifier}`, kilobytes(gzippedBytes(whole.loaded)), "gzipped");
}
const { loaded, lazy } = await bundleForUser(USER_PROGRAM, { external });
const size = gzippedBytes(loaded);
const time = await importMilliseconds(IMPORTS);
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
const files = await openedFiles(USER_PROGRAM, external);
print("files that importing both opens", `${files.length}`, `budget ${BUDGET_FILES}`);
if (files.length > BUDGET_FILES) {
  console.error(`Importing both opens too many files: ${files.join(", ")}. See scripts/shared-chunks.ts`);
  process.exitCode = 1;
}
for (const [name, budget] of Object.entries(PAGE_BUDGETS)) {
  const bytes = gzippedBytes(await bundleForPage(`src/${name}/index.ts`));
  print(`atlas-compute/${name} in a page`, `${bytes} bytes`, `gzipped; budget ${budget}`);
  if (bytes > budget) {
    console.error(`atlas-compute/${name} is over budget by ${bytes - budget} bytes`);
    process.exitCode = 1;
  }
}
const pageFiles = await openedFiles(
  `import "atlas-compute/browser"; import "atlas-compute/react";`,
  external,
);
const common = pageFiles.filter((file) => files.includes(file));
if (common.length > 0) {
  console.error(`A page loads code of the server: ${common.join(", ")}. See scripts/bundle.ts`);
  process.exitCode = 1;
}
if (size > BUDGET_BYTES) {
  console.error(`Over budget by ${size - BUDGET_BYTES} bytes: see what came in with esbuild's --analyze`);
  process.exitCode = 1;
}
