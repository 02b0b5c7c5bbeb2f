/** Bundles the entry points and the programs of the package. */
import { readFileSync } from "node:fs";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { entries, type Program, programs } from "./entries.ts";

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

/** Bundles everything and returns one metafile per run of esbuild. `write: false` leaves `dist` alone. */
export async function bundleAll(
  { write }: { write: boolean } = { write: true },
): Promise<readonly Metafile[]> {
  const alone = programs.filter(({ selfContained }) => selfContained);
  const supervisor = await bundleSupervisor();
  const results = await Promise.all([
    bundleLibrary(write, supervisor.text),
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
function bundleLibrary(write: boolean, supervisor: string): Promise<{ metafile: Metafile }> {
  const modules = [...entries, ...programs.filter(({ selfContained }) => !selfContained)];
  return build({
    ...SHARED,
    write,
    entryPoints: modules.map(({ source, bundle }) => ({ in: source, out: bundle.replace(/\.js$/, "") })),
    outdir: ".",
    splitting: true,
    plugins: [embed(supervisor)],
    // Chunks lie beside the entries, so that a module finds the program beside it whichever file holds it.
    chunkNames: "dist/chunk-[hash]",
    external: Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
  });
}

function bundleAlone({ source, bundle }: Program, write: boolean): Promise<{ metafile: Metafile }> {
  return build({ ...SHARED, write, entryPoints: [source], outfile: bundle });
}
