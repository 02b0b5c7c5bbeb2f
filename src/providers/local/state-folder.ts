/**
 * The state folder: one folder per instance, named like the instance. Several processes use it at once without a lock, because
 * every file in it has one writer, and because one rename, which succeeds once, puts a folder in place. A killed process
 * leaves nothing locked.
 */
import { randomUUID } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type * as z from "zod/mini";
import { AtlasError } from "../../errors.ts";
import { parseJson } from "../../internal/json.ts";
import { instancePath, isEndAsked, processPath, writeInstance } from "./instance-files.ts";
import { codeOf } from "./process-identity.ts";
import { type InstanceRecord, instanceRecord, type ProcessRecord, processRecord } from "./wire.ts";

/** The content of an instance's files. */
export interface Entry {
  readonly folder: string;
  readonly instance: InstanceRecord;
  readonly process: ProcessRecord | undefined;
  readonly endAsked: boolean;
}

const ABSENT: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR"]);

/** Prefix of folders that are being created or removed. They are never instances. */
const SCRAP = ".scrap-";
const SCRAP_SECONDS = 3600;

/** The folder of an instance of this name. */
export function folderOf(stateDirectory: string, name: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) return join(stateDirectory, name);
  throw new AtlasError(
    "VALIDATION",
    `${JSON.stringify(name)} cannot name an instance of local(); allowed: 1 to 63 of a-z, 0-9 and -, a letter or digit first`,
  );
}

/** Creates the state folder and makes it private to this user. Fails when another user owns it. */
export async function openStateDirectory(stateDirectory: string): Promise<void> {
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  await chmod(stateDirectory, 0o700);
}

/**
 * Records a new instance.
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
 * Reads an instance. The order matters: a reader that sees the end of the processes also sees the request for it.
 * @returns `undefined` when the instance does not exist.
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

/** Removes an instance from the record. It moves the folder away first, so that no reader finds half of it. */
export async function discard(stateDirectory: string, folder: string): Promise<void> {
  const scrap = join(stateDirectory, `${SCRAP}${randomUUID()}`);
  if ((await orAbsent(rename(folder, scrap).then(() => scrap))) === undefined) return;
  await rm(scrap, { recursive: true, force: true });
}

/** Removes folders that killed processes left unfinished. */
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
  throw new AtlasError("PROVIDER", `${path} is not a record of local(). Repair it, or remove its folder.`);
}

/** The result of a read, or `undefined` when the file does not exist. */
export async function orAbsent<Value>(read: Promise<Value>): Promise<Value | undefined> {
  try {
    return await read;
  } catch (error) {
    if (ABSENT.has(codeOf(error))) return undefined;
    throw error;
  }
}
