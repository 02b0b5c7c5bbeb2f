/** Bundles a program as its author's bundler would, for figures of size. */
import { relative } from "node:path";
import { constants, gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";

/** The files of a user's bundle, minified: those that an import loads, and those that wait for the first call. */
export interface UserBundle {
  readonly loaded: Uint8Array;
  readonly lazy: Uint8Array;
}

/** The place and the limits of a bundle. */
export interface UserBundleOptions {
  /** The folder from which packages are found. @default the repository */
  readonly folder?: string;
  /** The packages that stay outside. @default none */
  readonly external?: readonly string[];
}

/** Bundles a user's program, as a bundler does that puts `import()` into separate files. */
export async function bundleForUser(
  program: string,
  { folder = ".", external = [] }: UserBundleOptions = {},
): Promise<UserBundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir: folder },
    bundle: true,
    // As outside of this repository, whose tsconfig.json leads the package to its sources.
    tsconfigRaw: {},
    minify: true,
    splitting: true,
    format: "esm",
    platform: "node",
    external: [...external],
    outdir: ".",
    metafile: true,
    write: false,
    logLevel: "error",
  });
  const loaded = loadedFiles(metafile.outputs, "stdin.js");
  const contentOf = (isWanted: (path: string) => boolean): Uint8Array =>
    Buffer.concat(
      outputFiles.filter(({ path }) => isWanted(relative(".", path))).map(({ contents }) => contents),
    );
  return { loaded: contentOf((path) => loaded.has(path)), lazy: contentOf((path) => !loaded.has(path)) };
}

/** The files of this package that a program opens at its import, without a bundler. */
export async function openedFiles(
  program: string,
  external: readonly string[] = [],
): Promise<readonly string[]> {
  const { metafile } = await build({
    stdin: { contents: program, resolveDir: "." },
    bundle: true,
    // As outside of this repository, whose tsconfig.json leads the package to its sources.
    tsconfigRaw: {},
    format: "esm",
    platform: "node",
    external: [...external],
    metafile: true,
    write: false,
    logLevel: "error",
  });
  return [...loadedFiles(metafile.inputs, "<stdin>")].slice(1);
}

/** A file and all that it imports outright, not by `import()`. */
export function loadedFiles(
  files: Metafile["outputs"] | Metafile["inputs"],
  file: string,
): ReadonlySet<string> {
  const found = new Set([file]);
  for (const one of found)
    for (const { path, kind } of files[one]?.imports ?? [])
      if (kind === "import-statement" && path in files) found.add(path);
  return found;
}

/** The size of a text after compression. */
export function gzippedBytes(content: Uint8Array): number {
  return gzipSync(content, { level: constants.Z_BEST_COMPRESSION }).length;
}

/** A number of bytes in words. */
export function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KB`;
}
