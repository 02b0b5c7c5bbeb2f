/** Bundles the entry points and the programs of the package. */
import { readFileSync } from "node:fs";
import { type BuildOptions, build, type Metafile } from "esbuild";
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
  const results = await Promise.all([
    bundleLibrary(write),
    ...alone.map((program) => bundleAlone(program, write)),
  ]);
  return results.map(({ metafile }) => metafile);
}

/** The entry points and the installed commands share one run, so that no module exists twice. */
function bundleLibrary(write: boolean): Promise<{ metafile: Metafile }> {
  const modules = [...entries, ...programs.filter(({ selfContained }) => !selfContained)];
  return build({
    ...SHARED,
    write,
    entryPoints: modules.map(({ source, bundle }) => ({ in: source, out: bundle.replace(/\.js$/, "") })),
    outdir: ".",
    splitting: true,
    // Chunks lie beside the entries, so that a module finds the program beside it whichever file holds it.
    chunkNames: "dist/chunk-[hash]",
    external: Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
  });
}

function bundleAlone({ source, bundle }: Program, write: boolean): Promise<{ metafile: Metafile }> {
  return build({ ...SHARED, write, entryPoints: [source], outfile: bundle });
}
