#!/usr/bin/env node
/**
 * Runs `atlas-compute guard` alone: the entry of `dist/guard.mjs`, the single file that an image copies.
 *
 * @module
 */
import { version } from "../internal/user-agent.ts";
import { guardCommand } from "./guard.ts";
import { processWorld, runProgram } from "./run.ts";

await runProgram(guardCommand(processWorld(), (code) => process.exit(code)).version(version));
