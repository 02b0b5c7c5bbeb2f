/** Finds the providers' specifications for the contract tests. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

/** An unparsed JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** The way to get the specifications, for the name of a skipped test. */
export const howToGetSpecs =
  "no specification found: `npm run specs` downloads it, ATLAS_SPECS says where it is";

/**
 * A specification, or `undefined` when it is missing. The search covers the folder in `ATLAS_SPECS`, `specs/`, and the folder beside
 * the repository.
 */
export function findSpec(name: string): Json | undefined {
  const folders = [process.env.ATLAS_SPECS ?? "specs", "specs", "../shared/specs"];
  const path = folders.map((folder) => resolve(folder, name)).find((candidate) => existsSync(candidate));
  return path === undefined ? undefined : (JSON.parse(readFileSync(path, "utf8")) as Json);
}

/**
 * The specification for a contract test.
 * @throws Error on CI, where a missing specification is a failure.
 */
export function loadSpec(name: string): Json | undefined {
  const spec = findSpec(name);
  if (spec === undefined && process.env.CI === "true") throw new Error(`${name}: ${howToGetSpecs}`);
  return spec;
}
