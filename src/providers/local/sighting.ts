/** Looking at an instance: its record, and the state of its processes. */
import type { Sighting } from "./convert.ts";
import { writeEnd } from "./instance-files.ts";
import { signalGroup, signalProcess } from "./process-group.ts";
import { observe, type ProcessIdentity, type ProcessState } from "./process-identity.ts";
import { type Entry, orAbsent, readEntry } from "./state-folder.ts";

/** The instance in this folder as it is now; `undefined` when the folder has none. */
export async function look(folder: string): Promise<Sighting | undefined> {
  const entry = await readEntry(folder);
  return entry && watch(entry);
}

/** Looks at the processes of an instance on record. */
export async function watch(entry: Entry): Promise<Sighting | undefined> {
  const [supervisor, leader] = await Promise.all([
    observeIfKnown(entry.process?.supervisor),
    observeIfKnown(entry.process?.leader),
  ]);
  const vanished = entry.process !== undefined && supervisor === undefined && leader === undefined;
  if (!vanished) return { entry, supervisor, leader };
  // The processes may have ended after the read; their final record exists by now.
  const latest = await readEntry(entry.folder);
  return latest && { entry: latest, supervisor, leader };
}

async function observeIfKnown(identity: ProcessIdentity | undefined): Promise<ProcessState | undefined> {
  return identity && observe(identity);
}

/**
 * Requests the end of the instance in this folder. The mark precedes the look: a supervisor that the look misses finds the mark and
 * starts nothing. The supervisor does the rest, even when the caller exits at once.
 */
export async function endInstance(folder: string): Promise<void> {
  await orAbsent(writeEnd(folder));
  const sighting = await look(folder);
  const { supervisor, leader } = sighting?.entry.process ?? {};
  if (sighting?.supervisor !== undefined && supervisor !== undefined)
    signalProcess(supervisor.pid, "SIGTERM");
  else if (sighting?.leader !== undefined && leader !== undefined) signalGroup(leader.pid, "SIGKILL");
}
