/** The entry points of the package: the one table that build, size, package check and tests read. */

/** A module that users import by a subpath of the package. */
export interface Entry {
  /** Key in `exports`: `"."` or `"./<name>"`. */
  readonly subpath: string;
  readonly source: string;
  /** The one file that it is bundled into. */
  readonly bundle: string;
  readonly types: string;
}

/** A module that runs as a program of its own. */
export interface Program {
  readonly source: string;
  readonly bundle: string;
  /** True for a file that runs where nothing is installed, as in a pod. */
  readonly selfContained: boolean;
}

const SOURCES: Readonly<Record<string, string>> = {
  ".": "src/index.ts",
  "./auth": "src/auth/index.ts",
  "./guard": "src/guard/index.ts",
  "./server": "src/server/index.ts",
  "./tenants": "src/tenants/index.ts",
  "./browser": "src/browser/index.ts",
  "./react": "src/react/index.ts",
  "./runpod": "src/providers/runpod/index.ts",
  "./fly": "src/providers/fly/index.ts",
  "./docker": "src/providers/docker/index.ts",
  "./local": "src/providers/local/index.ts",
  "./mock": "src/providers/mock/index.ts",
  "./sqlite": "src/stores/sqlite/index.ts",
  "./postgres": "src/stores/postgres/index.ts",
  "./laws": "src/laws/index.ts",
};

/** Packages that sources import and that the bundles contain, so that users do not install them. */
export const bundledPackages: readonly string[] = [
  "@clack/prompts",
  "commander",
  "eventsource-parser",
  "leven",
  "nanoid",
  "p-map",
  "p-retry",
  "string-width",
  "zod",
];

/** Every module behind a command. */
export const programs: readonly Program[] = [
  { source: "src/cli/main.ts", bundle: "dist/cli.js", selfContained: false },
  { source: "src/cli/guard-main.ts", bundle: "dist/guard.mjs", selfContained: true },
];

function toEntry([subpath, source]: [string, string]): Entry {
  const name = subpath === "." ? "index" : subpath.slice("./".length);
  return {
    subpath,
    source,
    bundle: `dist/${name}.js`,
    types: `dist/types/${source.replace(/\.ts$/, ".d.ts")}`,
  };
}

/** Every module behind a subpath. */
export const entries: readonly Entry[] = Object.entries(SOURCES).map(toEntry);
