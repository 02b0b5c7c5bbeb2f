/** Hearing of events that other connections to the file wrote. */
import { systemClock } from "../../clock.ts";
import { pause } from "../../internal/pause.ts";
import type { Heard } from "../sql/watchers.ts";
import type { SqliteDatabase } from "./database.ts";

/** SQLite tells nothing of the writes of other processes, so the file is asked this often. */
const LOOK_SECONDS = 0.1;
/** More events than these at once are told without names. */
const MAX_NAMED = 500;

/** Asks the file for new events, once for all followers of this process, until the result is disposed of. */
export async function lookForEvents(database: SqliteDatabase, heard: Heard): Promise<AsyncDisposable> {
  const ending = new AbortController();
  const first = await newestEvent(database);
  const looking = look(database, first, heard, ending.signal);
  return {
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await looking;
    },
  };
}

async function look(
  database: SqliteDatabase,
  from: number,
  heard: Heard,
  signal: AbortSignal,
): Promise<void> {
  let last = from;
  while (!signal.aborted) {
    await pause(systemClock, LOOK_SECONDS, signal);
    if (signal.aborted) return;
    try {
      last = await tellSince(database, last, heard);
    } catch {
      // Each follower reads for itself then, and tells its caller what is wrong with the file.
      heard();
    }
  }
}

/** Tells the computes that have events behind the last one, and returns the id of the newest. */
async function tellSince(database: SqliteDatabase, last: number, heard: Heard): Promise<number> {
  const rows = await database.run("look for events", () =>
    database.all(
      `select id, compute_id from ${database.names.events} where id > :last order by id limit :limit`,
      { last, limit: MAX_NAMED },
    ),
  );
  if (rows.length < MAX_NAMED) {
    for (const id of new Set(rows.map((row) => String(row.compute_id)))) heard(id);
    return Number(rows.at(-1)?.id ?? last);
  }
  heard();
  return newestEvent(database);
}

async function newestEvent(database: SqliteDatabase): Promise<number> {
  const row = await database.run("find the newest event", () =>
    database.first(`select max(id) as id from ${database.names.events}`),
  );
  return Number(row?.id ?? 0);
}
