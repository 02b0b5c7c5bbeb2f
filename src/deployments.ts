/** The deployment that a store belongs to. A copy of a store, such as a preview's database, owns none of the pods that its records name. */
import { AtlasError } from "./errors.ts";

/** A place where a store is used: the deployment's name, and where the store has one, its database. */
export interface Deployment {
  /** `undefined` where the store or its user names none. */
  readonly name: string | undefined;
  /** The database's name and the number that its server gave it; `undefined` where a store has none. */
  readonly database: string | undefined;
}

/** True when the two are not the same place, as far as both are known. */
export function differs(stored: Deployment, own: Deployment): boolean {
  const apart = (left: string | undefined, right: string | undefined): boolean =>
    left !== undefined && right !== undefined && left !== right;
  return apart(stored.name, own.name) || apart(stored.database, own.database);
}

/** Builds the error for a process that a store does not belong to. */
export function notOwned(stored: Deployment, own: Deployment): AtlasError {
  return new AtlasError(
    "CONFLICT",
    `The store belongs to ${inWords(stored)}, and this process is ${inWords(own)}: it can read the store, and neither changes a compute nor reaps. If the ` +
      "store has moved here and the original is gone, run `atlas-compute adopt --moved`. If it is a copy, run `atlas-compute adopt --copy`",
    { details: { deployment: { store: stored, process: own } } },
  );
}

/** True for an error of {@link notOwned}. */
export function isNotOwned({ code, details }: AtlasError): boolean {
  return code === "CONFLICT" && details?.deployment !== undefined;
}

function inWords({ name, database }: Deployment): string {
  const deployment = name === undefined ? "an unnamed deployment" : `deployment "${name}"`;
  return database === undefined
    ? deployment
    : `${deployment} in database "${database.replace(" ", '" (number ')})`;
}
