/** Packages of others in the bundles: their licence texts, and a bill of materials in CycloneDX. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Enums, Models, Serialize, SPDX, Spec } from "@cyclonedx/cyclonedx-library";
import type { Metafile } from "esbuild";
import type { Manifest } from "./bundle.ts";

/** The file of licence texts in the package. */
export const LICENCES_FILE = "THIRD-PARTY-LICENSES";
/** The bill of materials in the package. */
export const SBOM_FILE = "sbom.cdx.json";

/** An installed package, as its own folder describes it. */
export interface ThirdParty {
  readonly name: string;
  readonly version: string;
  /** The SPDX expression that its package.json declares. */
  readonly license: string;
  /** The licence and notice files, one after the other. */
  readonly text: string;
}

/** The folders of packages whose code is in the bundles; code that esbuild shook off does not count. */
export function bundledFolders(metafiles: readonly Metafile[]): readonly string[] {
  const outputs = metafiles.flatMap(({ outputs }) => Object.values(outputs));
  const paths = outputs.flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  const folders = paths.flatMap((path) => /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  return [...new Set(folders)].sort((a, b) => (a < b ? -1 : 1));
}

/** Reads a package's folder. @throws when it declares no licence, or ships no text of it */
export function readThirdParty(folder: string): ThirdParty {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (typeof license !== "string" || license === "")
    throw new Error(`${name}@${version} declares no license in ${folder}/package.json: do not bundle it`);
  const files = readdirSync(folder).sort();
  const licences = files.filter((file) => /^(licen[cs]e|copying)\b/i.test(file));
  if (licences.length === 0)
    throw new Error(`${name}@${version} has no licence file in ${folder}: do not bundle it`);
  const notices = files.filter((file) => /^notice\b/i.test(file));
  const texts = [...licences, ...notices].map((file) => readFileSync(join(folder, file), "utf8").trim());
  if (texts.some((text) => text === ""))
    throw new Error(`${name}@${version} has an empty licence file in ${folder}: do not bundle it`);
  return { name, version, license, text: texts.join("\n\n").replaceAll("\r\n", "\n") };
}

/** The text of {@link LICENCES_FILE}. */
export function licencesOf(packages: readonly ThirdParty[]): string {
  const head =
    "The bundles of this package contain code of the packages below, under the licences that follow.\n";
  const parts = packages.map(
    ({ name, version, license, text }) => `${"=".repeat(80)}\n${name}@${version} (${license})\n\n${text}\n`,
  );
  return [head, ...parts].join("\n");
}

/** The text of {@link SBOM_FILE}: bundled packages and declared dependencies. It holds no time and no random id, so that a build can be repeated. */
export function sbomOf(
  manifest: Manifest,
  bundled: readonly ThirdParty[],
  declared: readonly ThirdParty[],
): string {
  const root = new Models.Component(Enums.ComponentType.Library, manifest.name, {
    version: manifest.version,
    purl: purlOf(manifest),
    bomRef: purlOf(manifest),
  });
  const bundledNames = new Set(bundled.map(purlOf));
  const packages = new Map([...declared, ...bundled].map((entry) => [purlOf(entry), entry]));
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: root }) });
  for (const [purl, entry] of packages) {
    const isOptional = entry.name in manifest.peerDependencies && !bundledNames.has(purl);
    const component = toComponent(entry, bundledNames.has(purl), isOptional);
    bom.components.add(component);
    root.dependencies.add(component.bomRef);
  }
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot7);
  return `${new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function toComponent(entry: ThirdParty, isBundled: boolean, isOptional: boolean): Models.Component {
  const [, group, name = entry.name] = /^(?:(@[^/]+)\/)?(.+)$/.exec(entry.name) ?? [];
  const component = new Models.Component(Enums.ComponentType.Library, name, {
    version: entry.version,
    purl: purlOf(entry),
    bomRef: purlOf(entry),
    scope: isOptional ? Enums.ComponentScope.Optional : Enums.ComponentScope.Required,
    ...(group === undefined ? {} : { group }),
  });
  component.licenses.add(
    SPDX.isSupportedSpdxId(entry.license)
      ? new Models.SpdxLicense(entry.license)
      : new Models.LicenseExpression(entry.license),
  );
  component.properties.add(new Models.Property("cdx:npm:package:bundled", String(isBundled)));
  return component;
}

/** The package URL of an npm package. */
export function purlOf({ name, version }: { readonly name: string; readonly version: string }): string {
  return `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
}
