/** The calls of a store as functions over its database. */
import type { Store } from "../../store.ts";

/** The calls that every database answers with statements of its own. */
type Answered = Omit<Store, "name" | "migrate" | "migrations" | "watch" | "close" | "forDeployment">;

/** Each call, with the database before what the caller gives. */
export type StoreCalls<Database> = {
  readonly [Name in keyof Answered]: (
    database: Database,
    ...given: Parameters<Answered[Name]>
  ) => ReturnType<Answered[Name]>;
};

/** The calls on one database. */
export function callsOn<Database>(database: Database, calls: StoreCalls<Database>): Answered {
  return {
    identity: () => calls.identity(database),
    requireOwnership: () => calls.requireOwnership(database),
    adopt: (as) => calls.adopt(database, as),
    now: () => calls.now(database),
    insert: (record, event, limits) => calls.insert(database, record, event, limits),
    get: (namespace, id) => calls.get(database, namespace, id),
    getByTokenHash: (namespace, hash, kind) => calls.getByTokenHash(database, namespace, hash, kind),
    getByIdempotencyKey: (namespace, key) => calls.getByIdempotencyKey(database, namespace, key),
    getBySlot: (key) => calls.getBySlot(database, key),
    replace: (record, event, replacing) => calls.replace(database, record, event, replacing),
    list: (filter, page) => calls.list(database, filter, page),
    costs: (query) => calls.costs(database, query),
    forget: (old) => calls.forget(database, old),
    claimDue: (claim) => calls.claimDue(database, claim),
    remember: (note) => calls.remember(database, note),
    claimCursor: (claim) => calls.claimCursor(database, claim),
    moveCursor: (move) => calls.moveCursor(database, move),
    totals: (query) => calls.totals(database, query),
    events: (filter, limit) => calls.events(database, filter, limit),
  };
}
