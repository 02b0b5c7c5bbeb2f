/** The client that a configuration file exports: `atlas.config.ts`, `.js`, or with another ending of a module. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Atlas } from "../atlas.ts";
import { AtlasError, isAtlasError } from "../errors.ts";

/** The names that are looked for, in this order. */
const NAMES = ["ts", "mts", "mjs", "js", "cts", "cjs"].map((ending) => `atlas.config.${ending}`);

const EXAMPLE =
  'export it as `export const atlas = createAtlas({ … })`, or as the default export, with createAtlas of "atlas-compute"';

/** The path of the configuration file in the working directory; `undefined` when there is none. */
export function findConfig(): string | undefined {
  return NAMES.map((name) => resolve(name)).find((path) => existsSync(path));
}

/**
 * Loads the client that a file exports as `atlas` or by default, or that the exported function makes.
 * @throws VALIDATION when the file cannot be loaded or exports no client
 */
export async function atlasOf(path: string): Promise<Atlas> {
  refuseTypesWithoutStripping(path);
  const atlas = await load(resolve(path));
  if (isAtlas(atlas)) return atlas;
  throw new AtlasError("VALIDATION", `${path} exports no client: ${EXAMPLE}.`);
}

/** Node runs TypeScript by itself since 22.18; 22.12 does only with a flag. */
function refuseTypesWithoutStripping(path: string): void {
  if (!/\.[cm]?ts$/.test(path) || process.features.typescript) return;
  throw new AtlasError(
    "VALIDATION",
    `Node ${process.versions.node} cannot run ${path}, because it strips no types. Use Node 22.18 or newer, set NODE_OPTIONS=--experimental-strip-types, or write the file as atlas.config.mjs.`,
  );
}

async function load(path: string): Promise<unknown> {
  if (!existsSync(path)) throw new AtlasError("VALIDATION", `There is no file ${path}: check --config.`);
  try {
    const exported: Readonly<Record<string, unknown>> = await import(pathToFileURL(path).href);
    // CommonJS exports one object, which Node shows as the default export.
    const found = exported.atlas ?? Object(exported.default).atlas ?? exported.default;
    return typeof found === "function" ? await found() : found;
  } catch (cause) {
    if (isAtlasError(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AtlasError("VALIDATION", `${path} could not be loaded: ${reason}${lineOf(cause)}`, { cause });
  }
}

/** The line of a file that a parser did not understand, from the head of the error's trace. */
function lineOf(cause: unknown): string {
  const [head = ""] = cause instanceof SyntaxError ? (cause.stack ?? "").split("\n") : [];
  return /^(?:file:|\/|[A-Za-z]:\\).*:\d+$/.test(head) ? ` (${head})` : "";
}

/** Tells a client by its methods: the file may use another copy of this package, or a shared client. */
function isAtlas(value: unknown): value is Atlas {
  if (typeof value !== "object" || value === null) return false;
  return ["spawnCompute", "listComputes", "parts"].every(
    (name) => typeof Reflect.get(value, name) === "function",
  );
}
