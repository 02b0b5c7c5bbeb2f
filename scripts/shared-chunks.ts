/**
 * Gathers modules that entry points share into few chunks. esbuild makes one chunk for each set of entry points that reach
 * the same modules, which gives dozens of small files, and Node needs a third of a millisecond for each file that it opens.
 */
import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import type { Metafile, OnLoadResult, Plugin } from "esbuild";
import { loadedFiles } from "./user-bundle.ts";

/** Modules of this package that shall lie in one chunk. */
export type Group = ReadonlySet<string>;

/** A module with which esbuild begins a file: an entry point, or the target of an `import()`. */
interface Root {
  readonly source: string;
  /** The modules that the root loads at its import, without `import()`. */
  readonly modules: ReadonlySet<string>;
}

/** A choice of modules that are to lie together: those that all of `sources` load, or else those that any of them loads. */
export interface Tier {
  readonly sources: readonly string[];
  readonly by: "all" | "any";
}

const GROUP = "atlas-group:";

/** Distributes the modules that several roots load over one group for each tier; a module belongs to the first that claims it. */
export function groupsOf(metafile: Metafile, tiers: readonly Tier[]): readonly Group[] {
  const roots = rootsOf(metafile);
  const taken = new Set<string>();
  return tiers.map(({ sources, by }) => {
    const loads = sources.map((source) => modulesOf(roots, source));
    const loaded = [...new Set(loads.flatMap((modules) => [...modules]))];
    const claimed = by === "any" ? loaded : loaded.filter((module) => loads.every((one) => one.has(module)));
    const group = new Set(claimed.filter((module) => !taken.has(module) && isShared(module, roots)));
    for (const module of group) taken.add(module);
    return group;
  });
}

/**
 * Puts each group into one chunk: a root that loads a part of a group imports all of it. Every root imports the first, so
 * that esbuild's own helpers lie in it.
 */
export function gather(metafile: Metafile, groups: readonly Group[]): Plugin {
  const together = new Set(groups.flatMap((group) => [...group]));
  const imports = new Map(rootsOf(metafile).map((root) => [root.source, importsOf(root, groups)]));
  return {
    name: "shared chunks",
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /^atlas-group:/ }, ({ path }) => ({ path, namespace: GROUP, sideEffects: true }));
      onResolve({ filter: /^[./].*\.ts$/ }, ({ path, resolveDir }) => {
        const file = resolve(resolveDir, path);
        // A module with effects stays where it is imported, even if a root uses none of its exports.
        return { path: file, sideEffects: together.has(relative(".", file)) };
      });
      onLoad({ filter: /./, namespace: GROUP }, ({ path }) => ({
        contents: [...(groups[Number(path.slice(GROUP.length))] ?? [])]
          .map((module) => `import ${JSON.stringify(resolve(module))};`)
          .join("\n"),
        resolveDir: ".",
      }));
      onLoad({ filter: /\.m?[jt]s$/ }, ({ path }) => withImports(path, imports.get(relative(".", path))));
    },
  };
}

function importsOf({ modules }: Root, groups: readonly Group[]): readonly string[] {
  return groups.flatMap((group, index) => {
    const isWanted = index === 0 || [...group].some((module) => modules.has(module));
    return isWanted ? [`import "${GROUP}${index}";`] : [];
  });
}

/** The text of a root with its imports behind it, because the first line may name its interpreter. */
function withImports(path: string, imports: readonly string[] = []): OnLoadResult | undefined {
  if (imports.length === 0) return undefined;
  return {
    contents: [readFileSync(path, "utf8"), ...imports].join("\n"),
    loader: "default",
    resolveDir: dirname(path),
  };
}

function modulesOf(roots: readonly Root[], source: string): ReadonlySet<string> {
  const root = roots.find((one) => one.source === source);
  if (root === undefined) throw new Error(`${source} is no entry point of this build`);
  return root.modules;
}

/** True for a module of this package that several roots load. Their packages follow them. */
function isShared(module: string, roots: readonly Root[]): boolean {
  return module.startsWith("src/") && roots.filter(({ modules }) => modules.has(module)).length > 1;
}

function rootsOf({ outputs }: Metafile): readonly Root[] {
  return Object.entries(outputs).flatMap(([file, { entryPoint }]) =>
    entryPoint === undefined ? [] : [{ source: entryPoint, modules: loadedModules(outputs, file) }],
  );
}

/** The modules with code in a file of the build or in one that it imports outright, not by `import()`. */
function loadedModules(outputs: Metafile["outputs"], file: string): Set<string> {
  const files = loadedFiles(outputs, file);
  const inputs = [...files].flatMap((one) => Object.entries(outputs[one]?.inputs ?? {}));
  return new Set(inputs.flatMap(([module, { bytesInOutput }]) => (bytesInOutput > 0 ? [module] : [])));
}
