/** Cursors of readers of all events. */
import { CURSOR_DAYS, type Cursor, type CursorClaim, type CursorMove } from "../../store.ts";
import type { SqliteDatabase } from "./database.ts";
import { refuseStranger } from "./ownership.ts";

/** See `Store.claimCursor`. */
export function claimCursor(database: SqliteDatabase, claim: CursorClaim): Promise<Cursor | undefined> {
  const { cursors } = database.names;
  const { namespace, name, lease, leaseSeconds } = claim;
  return database.transaction("claim a cursor", () => {
    refuseStranger(database);
    const now = database.now();
    begin(database, claim, now);
    const row = database.first(
      `update ${cursors} set lease = :lease, free_at = :until
       where namespace = :namespace and name = :name and free_at <= :now returning position, attempts`,
      { namespace, name, lease, now, until: new Date(now.getTime() + leaseSeconds * 1000) },
    );
    return row && { position: String(row.position), attempts: Number(row.attempts), now };
  });
}

/** Adds a cursor that is not there, in place of those that no claim has had for long. */
function begin(database: SqliteDatabase, { namespace, name, sinceSeconds }: CursorClaim, now: Date): void {
  const { cursors, events } = database.names;
  const since = new Date(now.getTime() - sinceSeconds * 1000);
  const added = database.change(
    `insert into ${cursors} (namespace, name, position, attempts, lease, free_at)
     select :namespace, :name, coalesce(
       (select id from ${events} where namespace = :namespace and at < :since order by id desc limit 1), 0
     ), 0, null, :now
     where not exists (select 1 from ${cursors} where namespace = :namespace and name = :name)`,
    { namespace, name, since, now },
  );
  if (added === 0) return;
  const oldest = new Date(now.getTime() - CURSOR_DAYS * 86_400_000);
  database.change(`delete from ${cursors} where namespace = :namespace and free_at < :oldest`, {
    namespace,
    oldest,
  });
}

/** See `Store.moveCursor`. */
export function moveCursor(database: SqliteDatabase, move: CursorMove): Promise<boolean> {
  const { namespace, name, lease, position, attempts, pauseSeconds, leaseSeconds } = move;
  return database.transaction("move a cursor", () => {
    refuseStranger(database);
    const freeAt = new Date(database.now().getTime() + (pauseSeconds ?? leaseSeconds) * 1000);
    const moved = database.change(
      `update ${database.names.cursors} set position = :position, attempts = :attempts, lease = :next, free_at = :free_at
       where namespace = :namespace and name = :name and lease = :lease`,
      {
        ...{ namespace, name, lease, position: Number(position), attempts, free_at: freeAt },
        next: pauseSeconds === undefined ? lease : null,
      },
    );
    return moved > 0;
  });
}
