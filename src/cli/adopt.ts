/** `atlas-compute adopt`: gives a store to the deployment of this machine, after a move or for a copy. */
import { Command } from "commander";
import { deploymentFrom } from "../deployment-name.ts";
import { AtlasError } from "../errors.ts";
import { openStore } from "./open-store.ts";
import type { CliWorld } from "./world.ts";

interface AdoptFlags {
  readonly store?: string;
  readonly deployment?: string;
  readonly moved?: boolean;
  readonly copy?: boolean;
}

const HELP = `
A store belongs to the deployment that first spawned with it. A process of another deployment, or in another database, reads it and changes nothing.

  --moved  the original is gone: the records and their pods are this deployment's from now on
  --copy   the original lives on: this store gets an identity of its own, its live records end as abandoned, and no provider is called

Examples:
  $ ATLAS_DATABASE=postgres://… ATLAS_DEPLOYMENT=production atlas-compute adopt --moved
  $ ATLAS_DATABASE=postgres://… ATLAS_DEPLOYMENT=staging atlas-compute adopt --copy`;

/** Builds the command. */
export function adoptCommand(world: CliWorld): Command {
  return new Command("adopt")
    .description("Gives a store that was moved or copied to this deployment.")
    .option("--store <place>", "sqlite:PATH or a postgres:// URL (default: ATLAS_DATABASE)")
    .option("--deployment <name>", "name of this deployment (default: ATLAS_DEPLOYMENT)")
    .option("--moved", "the store has moved here, and the original is gone")
    .option("--copy", "the store is a copy, and the original lives on")
    .addHelpText("after", HELP)
    .action((flags: AdoptFlags) => adopt(world, flags));
}

async function adopt(world: CliWorld, { store: place, deployment, moved, copy }: AdoptFlags): Promise<void> {
  if ((moved === true) === (copy === true))
    throw new AtlasError("VALIDATION", "Say what happened to the store: pass either --moved or --copy.");
  const name = deployment ?? deploymentFrom(world.env) ?? "default";
  await using open = await openStore(place, world.env);
  const store = open.store.forDeployment(name);
  const ended = await store.adopt(moved ? "moved" : "copy");
  const records = moved
    ? "its records are kept"
    : `${ended} live ${ended === 1 ? "record" : "records"} ended`;
  world.stderr(`The store belongs to deployment ${name} now; ${records}. No provider was called.\n`);
}
