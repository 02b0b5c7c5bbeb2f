/** Deleting what retention lets go. */
import type { Forgetting, Store } from "../../store.ts";
import type { SqliteDatabase } from "./database.ts";
import { refuseStranger } from "./ownership.ts";

/** See `Store.forget`. */
export function forget(
  database: SqliteDatabase,
  { namespace, endedBefore, computeIds, eventsPerCompute, ledgerBefore, limit }: Forgetting,
): ReturnType<Store["forget"]> {
  const { computes, events, ledger } = database.names;
  return database.transaction("forget what is old", () => {
    refuseStranger(database);
    const gone = database.change(
      `delete from ${computes} where rowid in (
         select rowid from ${computes}
         where namespace = :namespace and ended_at < :ended_before and status in ('terminated', 'failed')
         order by ended_at limit :limit
       )`,
      { namespace, ended_before: endedBefore, limit },
    );
    if (ledgerBefore !== undefined)
      database.change(
        `delete from ${ledger} where (namespace, day, tenant_id, user_id, provider, gpu) in (
           select namespace, day, tenant_id, user_id, provider, gpu from ${ledger}
           where namespace = :namespace and day < :before order by day limit :limit
         )`,
        { namespace, before: ledgerBefore, limit },
      );
    let dropped = 0;
    for (const id of computeIds)
      dropped += database.change(
        `delete from ${events} where id in (
           select id from ${events} where namespace = :namespace and compute_id = :id and id <= (
             select id from ${events} where namespace = :namespace and compute_id = :id order by id desc limit 1 offset :keep
           )
           order by id limit :limit
         )`,
        { namespace, id, keep: eventsPerCompute, limit: Math.max(0, limit - dropped) },
      );
    return { computes: gone, events: dropped };
  });
}
