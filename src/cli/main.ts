#!/usr/bin/env node
/**
 * The command line of atlas-compute.
 *
 * @module
 */
import { Command } from "commander";
import { version } from "../internal/user-agent.ts";
import { guardCommand } from "./guard.ts";
import { processWorld, runProgram } from "./run.ts";

const program = new Command("atlas-compute")
  .description("Spawn, guard and end GPU pods.")
  .version(version)
  .addCommand(guardCommand(processWorld(), (code) => process.exit(code)));

await runProgram(program);
