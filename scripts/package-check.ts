/** Packs what would be published and uses it as a stranger would: installed, imported, type-checked, run. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { entries, programs } from "./entries.ts";
import { deadLinks } from "./links.ts";
import { outputOf, run } from "./run.ts";
import { LICENCES_FILE, SBOM_FILE } from "./third-party.ts";

const bin = resolve("node_modules/.bin");
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const specifiers = entries.map(({ subpath }) => subpath.replace(".", manifest.name));

/** Packs the last build and returns the path of the tarball. */
function pack(folder: string): string {
  const options = ["--ignore-scripts", "--json", "--pack-destination", folder];
  const [packed] = JSON.parse(outputOf("npm", ["pack", ...options]));
  return join(folder, packed.filename);
}

/** A project of a user, with the package and everything that it offers to work with. */
async function installInto(folder: string, tarball: string): Promise<void> {
  const { peerDependencies, devDependencies } = manifest;
  const dependencies = { ...peerDependencies, "@types/node": devDependencies["@types/node"] };
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ private: true, type: "module", dependencies }),
  );
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", "--silent", tarball], folder);
}

function refuseLeaks(folder: string): void {
  const files = globSync("**/*", { cwd: folder, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  const strangers = paths.filter((path) =>
    /\.test\.|\/(src|scripts|node_modules)\/(?!.*\.d\.ts$)/.test(path.slice(folder.length)),
  );
  if (strangers.length > 0) throw new Error(`not for users, but packed: ${strangers.join(", ")}`);
  const leaks = paths.filter((path) =>
    [resolve("."), homedir()].some((place) => readFileSync(path, "utf8").includes(place)),
  );
  if (leaks.length > 0) throw new Error(`names a folder of this machine: ${leaks.join(", ")}`);
}

/** The files that a reader of the installed package needs, and no link that leads nowhere. */
function checkDocuments(folder: string): void {
  const files = ["README.md", "CHANGELOG.md", "LICENSE", LICENCES_FILE, SBOM_FILE, "docs/guard.md"];
  const missing = files.filter((file) => !existsSync(join(folder, file)));
  if (missing.length > 0) throw new Error(`not in the package: ${missing.join(", ")}`);
  const dead = deadLinks(folder, ["**/*.md"]);
  if (dead.length > 0) throw new Error(`dead links in the package:\n${dead.join("\n")}`);
}

async function importEverything(folder: string): Promise<void> {
  const program = specifiers
    .map(
      (name) =>
        `if (Object.keys(await import("${name}")).length === 0) throw new Error("${name} exports nothing");`,
    )
    .join("\n");
  await writeFile(join(folder, "imports.js"), program);
  await run(process.execPath, ["imports.js"], folder);
}

async function typeCheck(folder: string, module: string, moduleResolution: string): Promise<void> {
  const program = specifiers.map((name, index) => `export * as entry${index} from "${name}";`).join("\n");
  await writeFile(join(folder, "types.ts"), program);
  const options = [
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "false",
    "--target",
    "es2024",
    "--lib",
    "es2024,esnext.disposable",
    "--types",
    "node",
  ];
  const modules = ["--module", module, "--moduleResolution", moduleResolution];
  await run(join(bin, "tsc"), [...options, ...modules, "types.ts"], folder);
}

/** Commands work where they are installed, and the self-contained ones alone in an empty folder. */
async function runPrograms(folder: string): Promise<void> {
  for (const { bundle, selfContained } of programs.filter(({ source }) => source.startsWith("src/cli/"))) {
    const file = join(folder, selfContained ? "alone.mjs" : `node_modules/${manifest.name}/${bundle}`);
    if (selfContained) await copyFile(bundle, file);
    outputOf(process.execPath, [file, "--help"], folder);
  }
}

const folder = await mkdtemp(join(tmpdir(), "atlas-compute-package-"));
try {
  const tarball = pack(folder);
  await installInto(folder, tarball);
  const installed = join(folder, "node_modules", manifest.name);
  refuseLeaks(installed);
  checkDocuments(installed);
  await importEverything(folder);
  await typeCheck(folder, "node16", "node16");
  await typeCheck(folder, "nodenext", "nodenext");
  await typeCheck(folder, "esnext", "bundler");
  await runPrograms(folder);
  await run(join(bin, "publint"), ["run", tarball, "--strict"]);
  await run(join(bin, "attw"), [
    tarball,
    "--profile",
    "esm-only",
    "--no-definitely-typed",
    "--format",
    "ascii",
  ]);
  console.log(`${specifiers.length} entry points import and type-check from the packed tarball`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
