/** Cursors of readers of all events. */
import { CURSOR_DAYS, type Cursor, type CursorClaim, type CursorMove } from "../../store.ts";
import type { Values } from "../sql/columns.ts";
import { nowSql, type PostgresDatabase } from "./database.ts";
import { ownedSql, requireOwnership } from "./ownership.ts";
import { nowColumnSql, readNow } from "./rows.ts";

/** See `Store.claimCursor`. A cursor that is not there is added, and then claimed like any other. */
export async function claimCursor(
  database: PostgresDatabase,
  claim: CursorClaim,
): Promise<Cursor | undefined> {
  const { namespace, name, lease, leaseSeconds: seconds } = claim;
  const values = { namespace, name, lease, seconds };
  const first = await claimed(database, values);
  if (first !== undefined) return first;
  await requireOwnership(database);
  const isNew = await begin(database, claim);
  return isNew ? claimed(database, values) : undefined;
}

async function claimed(database: PostgresDatabase, values: Values): Promise<Cursor | undefined> {
  const row = await database.first(
    "claim a cursor",
    `update ${database.names.cursors} set lease = :lease, free_at = ${laterSql}
    where namespace = :namespace and name = :name and free_at <= ${nowSql} and ${ownedSql(database)}
    returning position::text as position, attempts::text as attempts, ${nowColumnSql}`,
    values,
  );
  return row && { position: String(row.position), attempts: Number(row.attempts), now: readNow(row) };
}

const laterSql = `date_trunc('milliseconds', ${nowSql} + :seconds::double precision * interval '1 second')`;

/** Adds a cursor, in place of those that no claim has had for long. @returns false where it is there already */
async function begin(
  database: PostgresDatabase,
  { namespace, name, sinceSeconds }: CursorClaim,
): Promise<boolean> {
  const { cursors, events } = database.names;
  const row = await database.first(
    "begin a cursor",
    `with added as (
      insert into ${cursors} (namespace, name, position, attempts, lease, free_at)
      select :namespace::text, :name::text, coalesce((
        select e.id from ${events} e where e.namespace = :namespace and e.at < ${nowSql} - :since::double precision * interval '1 second'
        order by e.id desc limit 1
      ), 0), 0, null, ${nowSql}
      where ${ownedSql(database)}
      on conflict do nothing
      returning name
    ),
    swept as (
      delete from ${cursors} c using added
      where c.namespace = :namespace and c.name <> :name and c.free_at < ${nowSql} - interval '${CURSOR_DAYS} days'
    )
    select name from added`,
    { namespace, name, since: sinceSeconds },
  );
  return row !== undefined;
}

/** See `Store.moveCursor`. */
export async function moveCursor(database: PostgresDatabase, move: CursorMove): Promise<boolean> {
  const { namespace, name, lease, position, attempts, pauseSeconds, leaseSeconds } = move;
  const row = await database.first(
    "move a cursor",
    `update ${database.names.cursors} set position = :position::bigint, attempts = :attempts::integer, lease = :next, free_at = ${laterSql}
    where namespace = :namespace and name = :name and lease = :lease and ${ownedSql(database)}
    returning name`,
    {
      ...{ namespace, name, lease, position, attempts },
      next: pauseSeconds === undefined ? lease : null,
      seconds: pauseSeconds ?? leaseSeconds,
    },
  );
  if (row === undefined) await requireOwnership(database);
  return row !== undefined;
}
