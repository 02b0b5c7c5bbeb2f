/** Builds `dist`: a bundled file per entry point with the chunks they share, and the tree of type declarations. */
import { readFile, rm } from "node:fs/promises";
import { type BuildOptions, build } from "esbuild";
import { entries, type Program, programs } from "./entries.ts";
import { run } from "./run.ts";

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(await readFile("package.json", "utf8")) as Manifest;

/** Not minified: a stack trace leads to lines one can read. docs/decisions/0001-one-bundled-file-an-entry.md says why. */
const shared: BuildOptions = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node22.12",
  logLevel: "warning",
};

/** What users import, and the command that they install: together, so that no module is there twice. */
function buildLibrary(): Promise<unknown> {
  const modules = [...entries, ...programs.filter(({ selfContained }) => !selfContained)];
  return build({
    ...shared,
    entryPoints: modules.map(({ source, bundle }) => ({ in: source, out: bundle.replace(/\.js$/, "") })),
    outdir: ".",
    splitting: true,
    // Beside the entries, so that a module finds the program beside it whichever file it ends up in.
    chunkNames: "dist/chunk-[hash]",
    external: Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
  });
}

function buildSelfContained({ source, bundle }: Program): Promise<unknown> {
  return build({ ...shared, entryPoints: [source], outfile: bundle });
}

await rm("dist", { recursive: true, force: true });
await Promise.all([
  buildLibrary(),
  ...programs.filter(({ selfContained }) => selfContained).map(buildSelfContained),
  run("node_modules/.bin/tsc", ["-p", "tsconfig.build.json"]),
]);
