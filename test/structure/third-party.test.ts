import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { expect, test } from "vitest";
import { bundleAll, manifest } from "../../scripts/bundle.ts";
import { bundledFolders, licencesOf, purlOf, readThirdParty, sbomOf } from "../../scripts/third-party.ts";

const bundled = bundledFolders(await bundleAll({ write: false })).map(readThirdParty);
const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).map((name) =>
  readThirdParty(join("node_modules", name)),
);
const sbom = sbomOf(manifest, bundled, declared);

/** A package's folder with these files. */
function packageWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "atlas-third-party-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

test("the bundles contain commander, and packages that only another package imports", () => {
  expect(bundled.map(({ name }) => name)).toEqual(expect.arrayContaining(["commander", "zod", "sisteransi"]));
});

test("every bundled package has its licence text in THIRD-PARTY-LICENSES", () => {
  const licences = licencesOf(bundled);
  for (const { name, version, license, text } of bundled)
    expect(licences).toContain(`${name}@${version} (${license})\n\n${text}\n`);
});

test("the bill of materials is valid CycloneDX 1.7 and names every bundled and every declared package", async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Spec1dot7.version);
  expect(await validator.validate(sbom)).toBeNull();
  const { components } = JSON.parse(sbom);
  const purls = components.map(({ purl }: { purl: string }) => purl);
  expect(purls).toEqual(expect.arrayContaining([...bundled, ...declared].map(purlOf)));
  expect(new Set(purls).size).toBe(purls.length);
});

test("the bill of materials is the same each time", () => {
  expect(sbomOf(manifest, bundled, declared)).toBe(sbom);
});

test.each([
  ["declares no license", { "package.json": '{"name":"left","version":"1.0.0"}', LICENSE: "MIT License" }],
  ["has no licence file", { "package.json": '{"name":"left","version":"1.0.0","license":"MIT"}' }],
  [
    "has an empty licence file",
    { "package.json": '{"name":"left","version":"1.0.0","license":"MIT"}', LICENSE: "\n" },
  ],
])("a package that %s fails the build", (problem, files) => {
  expect(() => readThirdParty(packageWith(files))).toThrow(`left@1.0.0 ${problem}`);
});

test("a package whose code esbuild shook off is not counted, and a nested one is", () => {
  const inputs = {
    "node_modules/gone/index.js": { bytesInOutput: 0 },
    "node_modules/a/node_modules/@b/c/lib/d.js": { bytesInOutput: 1 },
  };
  const outputs = { "dist/index.js": { bytes: 1, inputs, imports: [], exports: [] } };
  expect(bundledFolders([{ inputs: {}, outputs }])).toEqual(["node_modules/a/node_modules/@b/c"]);
});
