/** The whole command line: one table of commands, from which help and completions follow. */
import { Command } from "commander";
import { version } from "../internal/user-agent.ts";
import { adoptCommand } from "./adopt.ts";
import { changeCommands, extendCommand } from "./change.ts";
import { completionsCommand } from "./completions/index.ts";
import { doctorCommand } from "./doctor/index.ts";
import { eventsCommand, logsCommand } from "./follow.ts";
import { gpusCommand } from "./gpus.ts";
import { guardCommand } from "./guard.ts";
import { listCommand, showCommand } from "./list.ts";
import { migrateCommand } from "./migrate.ts";
import { openCommand } from "./open.ts";
import { reapCommand } from "./reap.ts";
import { readSecret } from "./secret.ts";
import { spawnCommand } from "./spawn.ts";
import { tenantsCommand } from "./tenants.ts";
import { terminateCommand } from "./terminate.ts";
import { tokenCommand } from "./token.ts";
import { urlCommand } from "./url.ts";
import { volumesCommand } from "./volumes.ts";
import type { CliWorld } from "./world.ts";

/** The groups of commands, in the order of the help. */
const GROUPS: readonly (readonly [heading: string, make: (world: CliWorld) => readonly Command[]])[] = [
  [
    "Computes:",
    (world) => [
      spawnCommand(world),
      listCommand(world),
      showCommand(world),
      logsCommand(world),
      eventsCommand(world),
      openCommand(world),
      ...changeCommands(world),
      extendCommand(world),
      terminateCommand(world),
    ],
  ],
  [
    "Operation:",
    (world) => [
      doctorCommand(world),
      gpusCommand(world),
      reapCommand(world),
      volumesCommand(world),
      migrateCommand(world),
      adoptCommand(world),
    ],
  ],
  [
    "Pods and credentials:",
    (world) => [
      guardCommand(world, (code) => process.exit(code)),
      tokenCommand(world, readSecret),
      urlCommand(world),
      tenantsCommand(world, readSecret),
    ],
  ],
  ["This command line:", (world) => [completionsCommand(world)]],
];

const HELP = `
Exit codes: 0 done, 1 failed, 2 wrong use, 3 not over yet (a provider has not confirmed it, or there is more to do).

Examples:
  $ atlas-compute spawn --port 8000 -- node server.mjs
  $ atlas-compute list
  $ atlas-compute help spawn`;

/** Builds the program. */
export function atlasProgram(world: CliWorld): Command {
  const program = new Command("atlas-compute")
    .description("Spawn, guard and end GPU pods.")
    .version(version)
    .option("--json", "one JSON value a line, for programs")
    .addHelpText("after", HELP);
  for (const [heading, make] of GROUPS)
    for (const command of make(world)) program.addCommand(command.helpGroup(heading));
  return program;
}
