/** Where the contract tests find the providers' specifications. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

/** A JSON object that nobody has looked into. */
export type Json = Readonly<Record<string, unknown>>;

/** How to get the specifications, for the name of a test that has to skip. */
export const howToGetSpecs =
  "no specification found: `npm run specs` downloads it, ATLAS_SPECS says where it is";

/**
 * A specification, or `undefined` where there is none. Looked up in the folder that `ATLAS_SPECS` names, in `specs/`, and beside the
 * repository.
 */
export function findSpec(name: string): Json | undefined {
  const folders = [process.env.ATLAS_SPECS ?? "specs", "specs", "../shared/specs"];
  const path = folders.map((folder) => resolve(folder, name)).find((candidate) => existsSync(candidate));
  return path === undefined ? undefined : (JSON.parse(readFileSync(path, "utf8")) as Json);
}

/**
 * The specification for a contract test.
 * @throws Error on CI, where a missing specification is a failure and no reason to skip.
 */
export function loadSpec(name: string): Json | undefined {
  const spec = findSpec(name);
  if (spec === undefined && process.env.CI === "true") throw new Error(`${name}: ${howToGetSpecs}`);
  return spec;
}
