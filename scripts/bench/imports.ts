/** The import of `atlas-compute` with `atlas-compute/runpod` and the size of both in a user's bundle, beside the packages that do a like job. */
import { builtinModules } from "node:module";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { processMilliseconds } from "../import-time.ts";
import { bundleForUser, gzippedBytes, kilobytes, openedFiles } from "../user-bundle.ts";
import { count, inDigits, inTurns, isQuick, median, report, reportMissing } from "./figures.ts";
import { installedVersion, installPeers, PEERS_FOLDER, type Peer, peers } from "./peer-packages.ts";

const ROUNDS = count(25, 1);
const OWN_IMPORT = 'await import("atlas-compute"); await import("atlas-compute/runpod")';
const OWN_PROGRAM =
  'export { createAtlas } from "atlas-compute"; export { runpod } from "atlas-compute/runpod";';
/** Peers ask for them only where an application has installed them. */
const OPTIONAL: readonly string[] = [
  ...builtinModules,
  "utf-8-validate",
  "bufferutil",
  "supports-color",
  "encoding",
];

/** A peer that is installed and can be imported. */
interface FoundPeer extends Peer {
  readonly version: string;
}

await installPeers().catch((error: unknown) =>
  reportMissing(`the peers: ${String(error)}. They need a registry of npm.`),
);
const found = peers.flatMap(findPeer);
await measureImports();
await measureBundles();

function findPeer(peer: Peer): readonly FoundPeer[] {
  const version = installedVersion(peer);
  if (version === undefined) {
    if (!isQuick) reportMissing(`${peer.name} is not installed.`);
    return [];
  }
  return [{ ...peer, version }];
}

async function measureImports(): Promise<void> {
  const subjects: Record<string, () => number> = {
    empty: () => processMilliseconds(""),
    own: () => processMilliseconds(OWN_IMPORT),
  };
  const oneFile = await writeOneFile();
  subjects["one file"] = () => processMilliseconds(`await import("${oneFile}")`);
  for (const { name } of found)
    subjects[name] = () => processMilliseconds(`await import("${name}")`, PEERS_FOLDER);
  const times = await inTurns(ROUNDS, subjects);
  const empty = median(times.empty ?? []);
  const above = (name: string): number => median(times[name] ?? []) - empty;
  const ours = `${inDigits(above("own"))} ms`;
  const files = await openedFiles(OWN_PROGRAM, ["@opentelemetry/api"]);
  report({
    measured: "files that the import opens",
    ours: String(files.length),
    peer: "the same in one file, 1",
  });
  report({
    ...{ measured: "import, above an empty process", ours, peer: `empty process, ${inDigits(empty)} ms` },
    budget: { limit: 15, better: "less", value: above("own"), unit: "ms" },
  });
  report({
    ...{ measured: "import", ours, peer: `the same in one file, ${inDigits(above("one file"))} ms` },
    ratio: above("own") / above("one file"),
  });
  for (const { name, version } of found)
    report({
      ...{ measured: "import", ours, peer: `${name} ${version}, ${inDigits(above(name))} ms` },
      ratio: above("own") / above(name),
      ...(name === "e2b" && { budget: { limit: 0.15, better: "less" } }),
    });
}

/** Bundles both entries into one file, to show what their chunks cost. Returns its address. */
async function writeOneFile(): Promise<string> {
  const outdir = "node_modules/.cache/bench-one-file";
  await build({
    stdin: { contents: OWN_PROGRAM, resolveDir: "." },
    ...{ outdir, bundle: true, splitting: true, format: "esm", platform: "node", logLevel: "error" },
    outExtension: { ".js": ".mjs" },
    external: ["ky", "@opentelemetry/api"],
  });
  return pathToFileURL(`${outdir}/stdin.mjs`).href;
}

async function measureBundles(): Promise<void> {
  const own = await bundleForUser(OWN_PROGRAM, { external: [...builtinModules, "@opentelemetry/api"] });
  const loaded = gzippedBytes(own.loaded);
  const whole = loaded + gzippedBytes(own.lazy);
  report({
    ...{ measured: "bundle that an import loads, gzipped", ours: kilobytes(loaded) },
    peer: `with what the first call loads, and \`ky\`, ${kilobytes(whole)}`,
    budget: { limit: 24, better: "less", value: loaded / 1024, unit: "KB" },
  });
  for (const { name, version, symbol } of found) {
    const peer = await bundleForUser(`export { ${symbol} } from "${name}";`, {
      ...{ folder: PEERS_FOLDER, external: OPTIONAL },
    });
    const bytes = gzippedBytes(peer.loaded) + gzippedBytes(peer.lazy);
    report({
      measured: "whole bundle, gzipped",
      ours: kilobytes(whole),
      peer: `${name} ${version}, ${kilobytes(bytes)}`,
      ratio: whole / bytes,
    });
  }
}
