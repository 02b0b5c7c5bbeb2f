/**
 * The files of one instance, which the provider and the supervisor share. A file appears whole (a draft is renamed), and every
 * file has one writer.
 *
 * - `instance.json`: the create's intent, written before any process starts;
 * - `process.json`: the processes that the supervisor started, and their end;
 * - `end`: the mark of a requested end. While it exists, no supervisor starts a command;
 * - `log`: the output of the instance.
 */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { InstanceRecord, ProcessRecord } from "./wire.ts";

/** The path of the intent. */
export function instancePath(folder: string): string {
  return join(folder, "instance.json");
}

/** The path of the supervisor's record. */
export function processPath(folder: string): string {
  return join(folder, "process.json");
}

/** The path of the log. */
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

/** Writes the supervisor's record. Only the supervisor calls it. */
export function writeProcess(folder: string, record: ProcessRecord): Promise<void> {
  return writeWhole(processPath(folder), record);
}

/** Marks the end as requested. From then on no supervisor starts the command. */
export function writeEnd(folder: string): Promise<void> {
  return writeFile(endPath(folder), "", { mode: 0o600 });
}

/** True when the end was requested. Synchronous, so that a supervisor can start the command in the same turn. */
export function isEndAsked(folder: string): boolean {
  return existsSync(endPath(folder));
}

async function writeWhole(path: string, value: object): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(value), { mode: 0o600 });
  await rename(draft, path);
}
