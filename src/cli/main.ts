#!/usr/bin/env node
/**
 * The command line of atlas-compute.
 *
 * @module
 */
import { Command } from "commander";
import { version } from "../internal/user-agent.ts";
import { adoptCommand } from "./adopt.ts";
import { guardCommand } from "./guard.ts";
import { migrateCommand } from "./migrate.ts";
import { processWorld, runProgram } from "./run.ts";
import { readSecret } from "./secret.ts";
import { tenantsCommand } from "./tenants.ts";

const world = processWorld();
const program = new Command("atlas-compute")
  .description("Spawn, guard and end GPU pods.")
  .version(version)
  .addCommand(guardCommand(world, (code) => process.exit(code)))
  .addCommand(migrateCommand(world))
  .addCommand(adoptCommand(world))
  .addCommand(tenantsCommand(world, readSecret));

await runProgram(program);
