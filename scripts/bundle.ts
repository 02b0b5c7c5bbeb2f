/** Bundles the entry points and the programs of the package. */
import { readFileSync } from "node:fs";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { type Entry, entries, type Program, programs } from "./entries.ts";
import { gather, groupsOf, type Tier } from "./shared-chunks.ts";

/** The parts of package.json that decide about the bundles. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** This package's own manifest. */
export const manifest: Manifest = JSON.parse(readFileSync("package.json", "utf8"));

/** Not minified, so that a stack trace leads to readable lines: docs/decisions/0001-one-bundled-file-an-entry.md. */
const SHARED: BuildOptions & { metafile: true } = {
  bundle: true,
  metafile: true,
  format: "esm",
  platform: "node",
  target: "node22.12",
  logLevel: "warning",
};

const CLIENT: readonly string[] = ["src/index.ts", "src/providers/runpod/index.ts"];
const CREDENTIALS: readonly string[] = ["src/auth/index.ts", "src/guard/index.ts"];

/** The chunks that an import opens: what everything needs, what a client needs, and what a pod needs. */
const TIERS: readonly Tier[] = [
  { sources: [...CLIENT, ...CREDENTIALS], by: "all" },
  { sources: CLIENT, by: "any" },
  { sources: CREDENTIALS, by: "all" },
];

/** Bundles everything and returns one metafile per run of esbuild. `write: false` leaves `dist` alone. */
export async function bundleAll(
  { write }: { write: boolean } = { write: true },
): Promise<readonly Metafile[]> {
  const alone = programs.filter(({ selfContained }) => selfContained);
  const supervisor = await bundleSupervisor();
  const results = await Promise.all([
    bundleLibrary(write, supervisor.text),
    bundlePages(write),
    ...alone.map((program) => bundleAlone(program, write)),
  ]);
  return [supervisor, ...results].map(({ metafile }) => metafile);
}

/** The program that supervises an instance of `local()`, as one text without an import of a package. */
export async function bundleSupervisor(): Promise<{ readonly text: string; readonly metafile: Metafile }> {
  const entryPoints = ["src/providers/local/local-supervisor.ts"];
  const options = { ...SHARED, entryPoints, outfile: "supervisor.mjs", minifyWhitespace: true };
  const { outputFiles, metafile } = await build({ ...options, write: false });
  return { text: outputFiles.map(({ text }) => text).join(""), metafile };
}

/** Puts the text of the supervisor into the module that otherwise names its file, so that no bundler has a file to lose. */
export function embed(supervisor: string): Plugin {
  return {
    name: "supervisor",
    setup: ({ onLoad }) => {
      onLoad({ filter: /providers\/local\/supervisor\.ts$/ }, () => ({
        contents: `export const supervisor = ${JSON.stringify({ source: supervisor })};`,
        loader: "js",
      }));
    },
  };
}

/** The entry points and the installed commands share one run, so that no module exists twice. */
async function bundleLibrary(write: boolean, supervisor: string): Promise<{ metafile: Metafile }> {
  const modules = [...entries, ...programs.filter(({ selfContained }) => !selfContained)];
  const options = splittingOptions(modules.filter(({ source }) => !isForPages(source)));
  const plugins = [embed(supervisor)];
  const { metafile } = await build({ ...options, plugins, write: false });
  return build({ ...options, plugins: [...plugins, gather(metafile, groupsOf(metafile, TIERS))], write });
}

/** The entries of a page have a run of their own, so that they share no chunk with a server. */
function bundlePages(write: boolean): Promise<{ metafile: Metafile }> {
  return build({ ...splittingOptions(entries.filter(({ source }) => isForPages(source))), write });
}

function splittingOptions(
  modules: readonly Pick<Entry, "source" | "bundle">[],
): BuildOptions & { metafile: true } {
  return {
    ...SHARED,
    entryPoints: modules.map(({ source, bundle }) => ({ in: source, out: bundle.replace(/\.js$/, "") })),
    outdir: ".",
    splitting: true,
    // Chunks lie beside the entries, so that a module finds the program beside it whichever file holds it.
    chunkNames: "dist/chunk-[hash]",
    external: Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
  };
}

function isForPages(source: string): boolean {
  return /^src\/(browser|react)\//.test(source);
}

function bundleAlone({ source, bundle }: Program, write: boolean): Promise<{ metafile: Metafile }> {
  return build({ ...SHARED, write, entryPoints: [source], outfile: bundle });
}
