/** Builds `dist` (bundles and type declarations), the licences of bundled packages, and the bill of materials. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundleAll, manifest } from "./bundle.ts";
import { pruneDeclarations } from "./declarations.ts";
import { entries } from "./entries.ts";
import { run } from "./run.ts";
import {
  bundledFolders,
  LICENCES_FILE,
  licencesOf,
  readThirdParty,
  SBOM_FILE,
  sbomOf,
} from "./third-party.ts";

await rm("dist", { recursive: true, force: true });
const [metafiles] = await Promise.all([
  bundleAll(),
  run("node_modules/.bin/tsc", ["-p", "tsconfig.build.json"]),
]);
pruneDeclarations(
  "dist/types",
  entries.map(({ types }) => types),
);

const bundled = bundledFolders(metafiles).map(readThirdParty);
const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).map((name) =>
  readThirdParty(join("node_modules", name)),
);
await writeFile(LICENCES_FILE, licencesOf(bundled));
await writeFile(SBOM_FILE, sbomOf(manifest, bundled, declared));
