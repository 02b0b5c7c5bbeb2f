/**
 * The files of one instance, as both sides use them: the provider and the supervisor. What is written appears whole (it is
 * written beside, then renamed), and every file has one writer.
 *
 * - `instance.json`: the create's intent, there before anything is started;
 * - `process.json`: what the supervisor started, and how it ended;
 * - `end`: somebody asked for the end. Once it is there, nothing is started any more;
 * - `log`: what the instance wrote.
 */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { InstanceRecord, ProcessRecord } from "./wire.ts";

/** Where the intent is. */
export function instancePath(folder: string): string {
  return join(folder, "instance.json");
}

/** Where the supervisor's record is. */
export function processPath(folder: string): string {
  return join(folder, "process.json");
}

/** Where the output is. */
export function logPath(folder: string): string {
  return join(folder, "log");
}

function endPath(folder: string): string {
  return join(folder, "end");
}

/** Records the intent. */
export function writeInstance(folder: string, record: InstanceRecord): Promise<void> {
  return writeWhole(instancePath(folder), record);
}

/** Records what the supervisor knows. Only the supervisor calls it. */
export function writeProcess(folder: string, record: ProcessRecord): Promise<void> {
  return writeWhole(processPath(folder), record);
}

/** Records that the end was asked for. From then on no supervisor starts the command. */
export function writeEnd(folder: string): Promise<void> {
  return writeFile(endPath(folder), "", { mode: 0o600 });
}

/** Whether the end was asked for. Synchronous, so that a supervisor can go on in the same breath. */
export function isEndAsked(folder: string): boolean {
  return existsSync(endPath(folder));
}

async function writeWhole(path: string, value: object): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(value), { mode: 0o600 });
  await rename(draft, path);
}
