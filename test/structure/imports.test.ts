import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { expect, test } from "vitest";
import { bundledPackages } from "../../scripts/entries.ts";
import { type Import, importsOf, readSources } from "./sources.ts";

/** A part of `src`, and what its files may import beside one another. */
interface Layer {
  readonly name: string;
  /** Its files; a group in the pattern names a member, and members may not import one another. */
  readonly files: RegExp;
  readonly mayImport: readonly RegExp[];
  readonly packages: readonly RegExp[];
}

const CONTRACTS =
  /^src\/(?:errors|provider|call-context|job-runner|store|compute-record|ledger|cursors|limits|slots|deployments|tenant-store|clock|request|request-fields|request-times|gpus)\.ts$/;
const INTERNAL = /^src\/internal\//;
const AUTH = /^src\/auth\//;
const GUARD_VERDICT = /^src\/guard\/verdict\//;
const GUARD_LIFE = /^src\/guard\/life\//;
const GUARD_SERVERS = /^src\/guard\/servers\//;
const LIFECYCLE = /^src\/lifecycle\//;
const CLIENT =
  /^src\/(?!(?:errors|provider|call-context|job-runner|store|compute-record|ledger|cursors|limits|slots|deployments|tenant-store|clock|request|request-fields|request-times|gpus|default-client)\.ts$)[^/]+\.ts$/;
const DEFAULT_CLIENT = /^src\/default-client\.ts$/;
const NODE = /^node:/;
const BUNDLED = /^(zod\/mini|nanoid|eventsource-parser|leven|p-map|p-retry)(\/|$)/;

const layers: readonly Layer[] = [
  {
    name: "a contract",
    files: CONTRACTS,
    mayImport: [CONTRACTS, /^src\/internal\/(parse|defined|nearest|origins)\.ts$/],
    packages: [/^zod\/mini$/],
  },
  {
    name: "internal",
    files: INTERNAL,
    mayImport: [CONTRACTS, INTERNAL],
    packages: [NODE, BUNDLED, /^(ky|@opentelemetry\/api)$/],
  },
  {
    name: "auth",
    files: AUTH,
    mayImport: [/^src\/(errors|clock|internal\/[^/]+)\.ts$/],
    packages: [NODE, /^zod\/mini$/],
  },
  {
    name: "a provider",
    files: /^src\/providers\/([^/]+)\//,
    mayImport: [CONTRACTS, INTERNAL],
    packages: [NODE, BUNDLED],
  },
  {
    name: "a store",
    files: /^src\/stores\//,
    mayImport: [CONTRACTS, INTERNAL],
    packages: [NODE, BUNDLED],
  },
  {
    name: "the lifecycle",
    files: LIFECYCLE,
    mayImport: [CONTRACTS, AUTH, INTERNAL],
    packages: [NODE, BUNDLED],
  },
  {
    name: "the client",
    files: CLIENT,
    mayImport: [CONTRACTS, AUTH, INTERNAL, LIFECYCLE, DEFAULT_CLIENT, /^src\/stores\/memory\/index\.ts$/],
    packages: [NODE, BUNDLED],
  },
  {
    name: "the default client",
    files: DEFAULT_CLIENT,
    mayImport: [CONTRACTS, CLIENT, LIFECYCLE, /^src\/providers\/[^/]+\/index\.ts$/],
    packages: [],
  },
  {
    name: "the tenants",
    files: /^src\/tenants\//,
    mayImport: [CONTRACTS, AUTH, INTERNAL, LIFECYCLE, CLIENT],
    packages: [NODE, BUNDLED],
  },
  {
    name: "the guard's verdict",
    files: GUARD_VERDICT,
    mayImport: [CONTRACTS, AUTH, INTERNAL],
    packages: [/^node:crypto$/],
  },
  {
    name: "the guard's life",
    files: GUARD_LIFE,
    mayImport: [CONTRACTS, INTERNAL, GUARD_VERDICT],
    packages: [NODE, BUNDLED],
  },
  {
    name: "the guard's servers",
    files: GUARD_SERVERS,
    mayImport: [CONTRACTS, INTERNAL, GUARD_VERDICT, /^src\/guard\/core\.ts$/],
    packages: [NODE, /^hono$/],
  },
  {
    name: "the guard",
    files: /^src\/guard\/[^/]+\.ts$/,
    mayImport: [CONTRACTS, AUTH, INTERNAL, GUARD_VERDICT, GUARD_LIFE, GUARD_SERVERS],
    packages: [NODE, BUNDLED, /^hono$/],
  },
  {
    name: "the control plane",
    files: /^src\/server\//,
    mayImport: [
      CONTRACTS,
      AUTH,
      INTERNAL,
      LIFECYCLE,
      CLIENT,
      /^src\/guard\/life\/heartbeat\.ts$/,
      /^src\/operator\/index\.ts$/,
    ],
    packages: [NODE, BUNDLED, /^hono(\/|$)/],
  },
  {
    name: "the operator page",
    files: /^src\/operator\//,
    mayImport: [CONTRACTS, INTERNAL, LIFECYCLE, CLIENT, /^src\/server\/(origins|hosts|hosts-field)\.ts$/],
    packages: [NODE, BUNDLED, /^hono(\/|$)/],
  },
  {
    name: "the browser client",
    files: /^src\/browser\//,
    mayImport: [/^src\/(wire|compute-json|clock|provider)\.ts$/, /^src\/internal\/readiness\.ts$/],
    packages: [],
  },
  {
    name: "the React hook",
    files: /^src\/react\//,
    mayImport: [/^src\/browser\/index\.ts$/],
    packages: [/^react$/],
  },
  {
    name: "the laws",
    files: /^src\/laws\//,
    mayImport: [CONTRACTS, INTERNAL],
    packages: [NODE, BUNDLED, /^fast-check$/],
  },
  {
    name: "the command line",
    files: /^src\/cli\//,
    mayImport: [/^src\//],
    packages: [NODE, BUNDLED, /^(commander|hono|string-width)(\/|$)/, /^@clack\/prompts$/],
  },
];

const sources = readSources("src/**/*.{ts,tsx}");
const imports = new Map(sources.map((source) => [source.path, importsOf(source)]));
const allImports = [...imports.values()].flat();

function isAllowed(layer: Layer, path: string, { target, specifier }: Import): boolean {
  if (target === undefined) return layer.packages.some((pattern) => pattern.test(specifier));
  const member = layer.files.exec(path)?.[1];
  if (layer.files.exec(target) !== null) return layer.files.exec(target)?.[1] === member;
  return layer.mayImport.some((pattern) => pattern.test(target));
}

test("every source file belongs to exactly one layer", () => {
  const lost = sources.filter(({ path }) => layers.filter(({ files }) => files.test(path)).length !== 1);
  expect(lost.map(({ path }) => `${path}: move it into a layer, or name its layer in this test`)).toEqual([]);
});

test.each(layers)("$name imports only what its layer may see", (layer) => {
  const violations = sources
    .filter(({ path }) => layer.files.test(path))
    .flatMap(({ path }) => (imports.get(path) ?? []).filter((entry) => !isAllowed(layer, path, entry)))
    .map(
      ({ place, specifier }) => `${place} imports ${specifier}: ${layer.name} may not; pass it in instead`,
    );
  expect(violations).toEqual([]);
});

test("no module imports itself in a circle", () => {
  expect(circles().map((path) => `${path.join(" → ")}: move what both need into a file of its own`)).toEqual(
    [],
  );
});

test("zod is only ever imported as zod/mini, which a bundle can afford", () => {
  const violations = allImports.filter(({ specifier }) => /^zod(?!\/mini$)(\/|$)/.test(specifier));
  expect(violations.map(({ place }) => `${place}: import * as z from "zod/mini"`)).toEqual([]);
});

test("the HTTP client is loaded at the first request, not with the module", () => {
  const violations = allImports.filter(
    ({ specifier, isDynamic, isTypeOnly }) => specifier === "ky" && !isDynamic && !isTypeOnly,
  );
  expect(violations.map(({ place, specifier }) => `${place}: use await import("${specifier}")`)).toEqual([]);
});

test("every package that a source imports is declared, or bundled", () => {
  const manifest = JSON.parse(readFileSync("package.json", "utf8"));
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  const known = new Set([...declared, ...bundledPackages]);
  const violations = allImports
    .filter(({ target, specifier }) => target === undefined && !specifier.startsWith("node:"))
    .filter(({ specifier }) => !known.has(packageOf(specifier)));
  const advice = "declare it in dependencies, or list it in bundledPackages";
  expect(violations.map(({ place, specifier }) => `${place} imports ${specifier}: ${advice}`)).toEqual([]);
});

test("a module of Node is imported with its prefix", () => {
  const violations = allImports.filter(
    ({ specifier }) => !specifier.startsWith("node:") && builtinModules.includes(specifier),
  );
  expect(violations.map(({ place, specifier }) => `${place}: import "node:${specifier}"`)).toEqual([]);
});

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Every circle of imports, types included, once, as the paths on the way round. */
function circles(): readonly (readonly string[])[] {
  const done = new Set<string>();
  const found: string[][] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path]);
    if (done.has(path) || trail.includes(path)) return;
    for (const entry of imports.get(path) ?? []) if (entry.target) visit(entry.target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  return found;
}
