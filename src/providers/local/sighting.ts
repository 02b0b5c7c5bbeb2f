/** Looking at an instance: what is on record of it, and what its processes do. */
import type { Sighting } from "./convert.ts";
import { writeEnd } from "./instance-files.ts";
import { signalGroup, signalProcess } from "./process-group.ts";
import { observe, type ProcessIdentity, type ProcessState } from "./process-identity.ts";
import { type Entry, orAbsent, readEntry } from "./state-folder.ts";

/** The instance in this folder as it is now; `undefined` when there is none. */
export async function look(folder: string): Promise<Sighting | undefined> {
  const entry = await readEntry(folder);
  return entry && watch(entry);
}

/** What the processes of an instance on record do now. */
export async function watch(entry: Entry): Promise<Sighting | undefined> {
  const [supervisor, leader] = await Promise.all([
    observeIfKnown(entry.process?.supervisor),
    observeIfKnown(entry.process?.leader),
  ]);
  const vanished = entry.process !== undefined && supervisor === undefined && leader === undefined;
  if (!vanished) return { entry, supervisor, leader };
  // They may have ended between the reading and the look; their last word is on record by now.
  const latest = await readEntry(entry.folder);
  return latest && { entry: latest, supervisor, leader };
}

async function observeIfKnown(identity: ProcessIdentity | undefined): Promise<ProcessState | undefined> {
  return identity && observe(identity);
}

/**
 * Asks for the end of the instance in this folder. The mark comes before the look: a supervisor that is not seen yet
 * finds the mark and starts nothing. The supervisor sees to the rest, also when the caller exits right after.
 */
export async function endInstance(folder: string): Promise<void> {
  await orAbsent(writeEnd(folder));
  const sighting = await look(folder);
  const { supervisor, leader } = sighting?.entry.process ?? {};
  if (sighting?.supervisor !== undefined && supervisor !== undefined)
    signalProcess(supervisor.pid, "SIGTERM");
  else if (sighting?.leader !== undefined && leader !== undefined) signalGroup(leader.pid, "SIGKILL");
}
