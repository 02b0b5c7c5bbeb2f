/** `atlas-compute migrate`: brings a database up to date. */
import { Command } from "commander";
import { openStore } from "./open-store.ts";
import type { CliWorld } from "./world.ts";

const HELP = `
Run it once for every deployment, before the new version serves requests. Several machines may run it at once.

Example:
  $ ATLAS_DATABASE=postgres://… atlas-compute migrate`;

/** Builds the command. */
export function migrateCommand(world: CliWorld): Command {
  return new Command("migrate")
    .description("Brings the tables of a database up to date.")
    .option("--store <place>", "sqlite:PATH or a postgres:// URL (default: ATLAS_DATABASE)")
    .addHelpText("after", HELP)
    .action(async ({ store: place }: { readonly store?: string }) => {
      await using open = await openStore(place, world.env);
      await open.store.migrate?.();
      world.stderr("The database is up to date.\n");
    });
}
