/** Builds `dist`: one bundled file per entry point, and the tree of type declarations. */
import { readFile, rm } from "node:fs/promises";
import { type BuildOptions, build } from "esbuild";
import { entries, type Program, programs } from "./entries.ts";
import { run } from "./run.ts";

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(await readFile("package.json", "utf8")) as Manifest;
const installed: string[] = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });

/** Names stay readable in stack traces; the reasons are in docs/decisions/0001-one-bundled-file-an-entry.md. */
const shared: BuildOptions = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node22.12",
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: true,
  logLevel: "warning",
};

function bundle({ source, bundle: outfile, selfContained }: Program): Promise<unknown> {
  return build({ ...shared, entryPoints: [source], outfile, external: selfContained ? [] : installed });
}

await rm("dist", { recursive: true, force: true });
await Promise.all([
  ...entries.map((entry) => bundle({ ...entry, selfContained: false })),
  ...programs.map(bundle),
  run("node_modules/.bin/tsc", ["-p", "tsconfig.build.json"]),
]);
