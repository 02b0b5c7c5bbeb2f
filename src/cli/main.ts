#!/usr/bin/env node
/**
 * The command line of atlas-compute.
 *
 * @module
 */
import { atlasProgram } from "./program.ts";
import { processWorld, runProgram } from "./run.ts";

await runProgram(atlasProgram(processWorld()));
