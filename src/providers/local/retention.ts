/** Keeps the newest ended instances and their logs readable, and removes older ones. */
import { toCondition } from "./convert.ts";
import { watch } from "./sighting.ts";
import { discard, type Entry, readEntries, readNames, removeScrap } from "./state-folder.ts";

/** The number of ended instances that stay on record. */
export const KEPT_ENDED = 50;

/** Removes the oldest ended instances from the record. */
export async function prune(stateDirectory: string, now: Date): Promise<void> {
  await removeScrap(stateDirectory, now);
  const names = await readNames(stateDirectory, "");
  if (names.length <= KEPT_ENDED) return;
  const ended = await readEnded(stateDirectory, now);
  const newestFirst = ended.toSorted((a, b) => endTime(b).localeCompare(endTime(a)));
  for (const { folder } of newestFirst.slice(KEPT_ENDED)) await discard(stateDirectory, folder);
}

async function readEnded(stateDirectory: string, now: Date): Promise<readonly Entry[]> {
  const entries = await readEntries(stateDirectory);
  const sightings = await Promise.all(entries.map(watch));
  return sightings
    .filter((sighting) => sighting !== undefined)
    .filter((sighting) => toCondition(sighting, now).status === "terminated")
    .map(({ entry }) => entry);
}

function endTime({ process, instance }: Entry): string {
  return process?.exit?.at ?? instance.createdAt;
}
