/** Reading an instance's log, also while it grows. */
import type { Clock } from "../../clock.ts";
import type { LogLine, LogOptions } from "../../provider.ts";
import { logPath } from "./instance-files.ts";
import { findTail, readLines } from "./log-file.ts";
import { look } from "./sighting.ts";

const POLL_MILLISECONDS = 200;

/** The lines of the instance in this folder. Its last one is written before its end is on record. */
export async function* readLog(
  folder: string,
  { tail, follow }: LogOptions,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const path = logPath(folder);
  let offset = await findTail(path, tail);
  for (;;) {
    const isLastRound = !follow || !(await isAlive(folder));
    for (;;) {
      signal.throwIfAborted();
      const page = await readLines(path, offset);
      if (page.lines.length === 0) break;
      offset = page.offset;
      yield* page.lines;
    }
    if (isLastRound) return;
    await clock.sleep(POLL_MILLISECONDS, signal);
  }
}

/** Whether the log may still grow. */
async function isAlive(folder: string): Promise<boolean> {
  const sighting = await look(folder);
  if (sighting === undefined) return false;
  const { supervisor, leader, entry } = sighting;
  const mayStart = entry.process === undefined && !entry.endAsked;
  return mayStart || supervisor !== undefined || leader !== undefined;
}
