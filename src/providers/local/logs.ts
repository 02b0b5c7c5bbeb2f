/** Reading an instance's log, even while it grows. */
import type { CallContext } from "../../call-context.ts";
import type { InstanceReference, LogLine, LogOptions } from "../../provider.ts";
import { logPath } from "./instance-files.ts";
import { lookUp } from "./instances.ts";
import { findTail, readLines } from "./log-file.ts";
import type { LocalSettings } from "./options.ts";
import { look } from "./sighting.ts";

const POLL_MILLISECONDS = 200;

/** The instance's lines. The last line is in the log before the record shows the end. */
export async function* readLogs(
  settings: LocalSettings,
  reference: InstanceReference,
  { tail, follow }: LogOptions,
  { signal }: CallContext,
): AsyncGenerator<LogLine> {
  signal.throwIfAborted();
  const folder = (await lookUp(settings, reference))?.entry.folder;
  if (folder === undefined) return;
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
    await settings.clock.sleep(POLL_MILLISECONDS, signal);
  }
}

/** True while the log may still grow. */
async function isAlive(folder: string): Promise<boolean> {
  const sighting = await look(folder);
  if (sighting === undefined) return false;
  const { supervisor, leader, entry } = sighting;
  const mayStart = entry.process === undefined && !entry.endAsked;
  return mayStart || supervisor !== undefined || leader !== undefined;
}
