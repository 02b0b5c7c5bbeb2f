/**
 * The state folder: one folder per instance, named like it. Several processes use it at once without a lock, because
 * every file in it has one writer, and because a folder is put in place by one rename, which succeeds once. A process that
 * is killed at any point leaves nothing locked.
 */
import { randomUUID } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type * as z from "zod/mini";
import { AtlasError } from "../../errors.ts";
import { instancePath, isEndAsked, processPath, writeInstance } from "./instance-files.ts";
import { codeOf } from "./process-identity.ts";
import { type InstanceRecord, instanceRecord, type ProcessRecord, processRecord } from "./wire.ts";

/** What the files of an instance say. */
export interface Entry {
  readonly folder: string;
  readonly instance: InstanceRecord;
  readonly process: ProcessRecord | undefined;
  readonly endAsked: boolean;
}

const ABSENT: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR"]);

/** Folders being made or being removed: never instances. */
const SCRAP = ".scrap-";
const SCRAP_SECONDS = 3600;

/** The folder of an instance of this name. */
export function folderOf(stateDirectory: string, name: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) return join(stateDirectory, name);
  throw new AtlasError(
    "VALIDATION",
    `${JSON.stringify(name)} cannot name an instance of local(): a-z, 0-9, -`,
  );
}

/** Makes the state folder this user's own. Fails when it is somebody else's. */
export async function openStateDirectory(stateDirectory: string): Promise<void> {
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  await chmod(stateDirectory, 0o700);
}

/**
 * Puts a new instance on record.
 * @returns its folder, or `undefined` when the name is on record already.
 */
export async function claim(stateDirectory: string, instance: InstanceRecord): Promise<string | undefined> {
  const folder = folderOf(stateDirectory, instance.name);
  const draft = join(stateDirectory, `${SCRAP}${randomUUID()}`);
  await mkdir(draft, { mode: 0o700 });
  await writeInstance(draft, instance);
  try {
    await rename(draft, folder);
    return folder;
  } catch (error) {
    await rm(draft, { recursive: true });
    if (codeOf(error) === "ENOTEMPTY" || codeOf(error) === "EEXIST") return undefined;
    throw error;
  }
}

/** The names of all instances on record that begin with the prefix. */
export async function readNames(stateDirectory: string, prefix: string): Promise<readonly string[]> {
  const names = await orAbsent(readdir(stateDirectory));
  return (names ?? []).filter((name) => name.startsWith(prefix) && !name.startsWith("."));
}

/**
 * Reads an instance. The order matters: who sees that the processes have ended also sees who asked for it.
 * @returns `undefined` when there is no such instance.
 */
export async function readEntry(folder: string): Promise<Entry | undefined> {
  const process = await readWhole(processPath(folder), processRecord);
  const endAsked = isEndAsked(folder);
  const instance = await readWhole(instancePath(folder), instanceRecord);
  return instance && { folder, instance, process, endAsked };
}

/** Every instance on record whose name begins with the prefix. */
export async function readEntries(stateDirectory: string, prefix = ""): Promise<readonly Entry[]> {
  const names = await readNames(stateDirectory, prefix);
  const entries = await Promise.all(names.map((name) => readEntry(join(stateDirectory, name))));
  return entries.filter((entry) => entry !== undefined);
}

/** Takes an instance off the record. It is moved away first, so that nobody finds half of it. */
export async function discard(stateDirectory: string, folder: string): Promise<void> {
  const scrap = join(stateDirectory, `${SCRAP}${randomUUID()}`);
  if ((await orAbsent(rename(folder, scrap).then(() => scrap))) === undefined) return;
  await rm(scrap, { recursive: true, force: true });
}

/** Removes what killed processes left half made or half removed. */
export async function removeScrap(stateDirectory: string, now: Date): Promise<void> {
  const names = (await readdir(stateDirectory)).filter((name) => name.startsWith(SCRAP));
  for (const path of names.map((name) => join(stateDirectory, name))) {
    const facts = await orAbsent(stat(path));
    if (facts !== undefined && now.getTime() - facts.mtimeMs > SCRAP_SECONDS * 1000)
      await rm(path, { recursive: true, force: true });
  }
}

async function readWhole<Schema extends z.ZodMiniType>(
  path: string,
  schema: Schema,
): Promise<z.infer<Schema> | undefined> {
  const text = await orAbsent(readFile(path, "utf8"));
  if (text === undefined) return undefined;
  const result = schema.safeParse(parseJson(text));
  if (result.success) return result.data;
  throw new AtlasError("PROVIDER", `${path} is not a record of local(). Mend it, or remove its folder.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What is read, or `undefined` when it is not there. */
export async function orAbsent<Value>(read: Promise<Value>): Promise<Value | undefined> {
  try {
    return await read;
  } catch (error) {
    if (ABSENT.has(codeOf(error))) return undefined;
    throw error;
  }
}
