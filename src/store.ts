/**
 * The contract of a store: the facts that it keeps, and the steps that are atomic.
 * The comments are the laws; `src/laws/store-laws.ts` holds every store to them.
 *
 * A store knows no rules about computes. It loads a record, and replaces it unless another writer has replaced it meanwhile. `lifecycle/`
 * decides which state may follow another, once for all stores.
 */
import type {
  ComputeEvent,
  ComputeRecord,
  ComputeStatus,
  NewEvent,
  Snapshot,
  TokenHash,
} from "./compute-record.ts";
import type { Cursor, CursorClaim, CursorMove } from "./cursors.ts";
import type { CostQuery, CostSum, DaySpending } from "./ledger.ts";
import type { Limits } from "./limits.ts";
import type { SlotKey } from "./slots.ts";

export {
  type AuthScheme,
  type ComputeEvent,
  type ComputeRecord,
  type ComputeStatus,
  costSoFar,
  type EndReason,
  isLive,
  liveStatuses,
  type NewEvent,
  type Snapshot,
  type TokenHash,
} from "./compute-record.ts";
export { CURSOR_DAYS, type Cursor, type CursorClaim, type CursorMove } from "./cursors.ts";
export { type Deployment, differs, isNotOwned, notOwned } from "./deployments.ts";
export {
  type CostKey,
  type CostQuery,
  type CostSum,
  type DaySpending,
  dayOf,
  endOf,
  firstOfMonth,
  LEDGER_DAYS,
  type MonthCosts,
  runBetween,
  settledDays,
  startOf,
} from "./ledger.ts";
export { checkLimits, isCostLimit, isMonthLimited, type Limits, type Usage } from "./limits.ts";
export { isSlotTaken, type SlotKey, slotKeyOf, slotTaken } from "./slots.ts";

/** A filter on records. Absent fields do not filter. */
export interface RecordFilter {
  readonly namespace: string;
  readonly userId?: string;
  readonly slot?: string;
  readonly tenantId?: string;
  readonly provider?: string;
  readonly statuses?: readonly ComputeStatus[];
  /** Only records with one of these exact names. */
  readonly names?: readonly string[];
  /** Only records that have this text, as it is written, in their id, name, provider's id, user or slot. */
  readonly search?: string;
}

/** A fact by which records are counted. */
export type TotalKey = "userId" | "provider" | "status" | "gpu";

/** A question for totals. */
export interface TotalsQuery {
  readonly filter: RecordFilter;
  /** Records with the same facts make one group. */
  readonly by: readonly [TotalKey, ...TotalKey[]];
  readonly limit: number;
}

/** A group of records with the same facts. */
export interface Total {
  /** The facts of the group, in the order of the question. */
  readonly keys: readonly (string | null)[];
  readonly computes: number;
  /** US dollars per hour, of the records whose price is known. */
  readonly costPerHour: number;
  /** US dollars spent up to the store's now. */
  readonly costSoFar: number;
  /** The earliest `dueAt`; null when none of the records is due at any time. */
  readonly dueAt: Date | null;
}

/** A filter on events. */
export interface EventFilter {
  readonly namespace: string;
  readonly computeId?: string;
  /** The id of an event: only later ones. */
  readonly after?: string;
  /** The last events up to the limit, instead of the first. */
  readonly newest?: boolean;
}

/** A stretch of a list: newest first, starting behind a record. */
export interface Page {
  readonly limit: number;
  /** The last record of the page before. */
  readonly after?: { readonly createdAt: Date; readonly id: string };
}

/** A claim on due records. */
export interface Claim {
  readonly namespace: string;
  /** Random text that identifies this claim; written to each record's `lease`. */
  readonly lease: string;
  readonly leaseSeconds: number;
  readonly limit: number;
}

/** The records and events that a store may delete. */
export interface Forgetting {
  readonly namespace: string;
  /** Records that ended before this time go, with their tokens and events. */
  readonly endedBefore: Date;
  /** The computes of which only the newest events stay. */
  readonly computeIds: readonly string[];
  readonly eventsPerCompute: number;
  /** Sums of the ledger of days before this one go; absent: none. */
  readonly ledgerBefore?: string;
  /** The number of records, of events, and of sums, that one call deletes at most. */
  readonly limit: number;
}

/** The parts of a replacement beside the record and its event. */
export interface Replacing {
  /** Limits that hold for the record, as at an insert. */
  readonly limits?: Limits | undefined;
  /** The record of the version before, as the caller read it. A store may then write only the fields that differ from it. */
  readonly before?: ComputeRecord | undefined;
  /** Costs that are settled in this step. They are added to the ledger, under the record's tenant, user, provider and GPU. */
  readonly spent?: readonly DaySpending[] | undefined;
}

/** A value that a store keeps under a name for a while. */
export interface Note {
  readonly namespace: string;
  readonly name: string;
  readonly value: string;
  /** The time for which it is kept, from the store's now on. */
  readonly seconds: number;
}

/** The beginning of the names of the notes of accounts, one for each provider: the account in which the computes were seen. */
export const ACCOUNT_NOTE = "account ";

/** The number of expired notes that one call of `Store.remember` deletes at most. */
export const MAX_SWEPT_NOTES = 100;

/** The migrations of a store's schema. */
export interface Migrations {
  /** The number of those that the database has had. */
  readonly applied: number;
  /** The number of those that this version of the package knows. */
  readonly known: number;
  /** True where the first call of this version that reads or writes records applies the missing ones. */
  readonly isAutomatic?: boolean;
}

/**
 * A store. Every method is atomic: after a crash at any point it happened whole or not at all, and concurrent callers, in this process
 * or another, see it as if the calls had come one after the other.
 *
 * Failures of the database are `STORE_UNAVAILABLE`; the text of a query or a connection string is in no error.
 */
export interface Store {
  /** For people: `memory`, `sqlite`, `postgres`. */
  readonly name: string;

  /** Brings the schema up to date. Safe to call from several processes at once, and again. Absent where there is no schema. */
  migrate?(): Promise<void>;

  /** Counts the migrations of the schema, and applies none. Absent where there is no schema. @throws STORE_UNAVAILABLE also where nothing was ever migrated, unless that is automatic */
  migrations?(): Promise<Migrations>;

  /** This store's own random id, made at its first use and changed by `adopt("copy")` only: the owner tag of every instance recorded here. */
  identity(): Promise<string>;

  /**
   * The same store for the processes of one deployment. The first insert stamps the deployment on the store, together with the database where
   * there is one; nothing else does. From then on `insert`, `replace` and `claimDue` of another deployment, or in another database, write
   * nothing. The database counts also without a deployment.
   */
  forDeployment(deployment: string): Store;

  /** Does nothing where this process may write. @throws CONFLICT where the store belongs to another deployment: see `notOwned` */
  requireOwnership(): Promise<void>;

  /**
   * Gives the store to this deployment and database. `moved`: the original is gone, identity and records are kept. `copy`: the store gets a new
   * identity, and every live record becomes `terminated` as `abandoned`, with its event; what its run cost is the original's. Notes of accounts (`ACCOUNT_NOTE`) go either way. All in one step.
   * @returns the number of records that ended.
   */
  adopt(as: "moved" | "copy"): Promise<number>;

  /** The store's time. */
  now(): Promise<Date>;

  /**
   * Adds a record, unless that would break a limit, and writes its first event with it. Limits and the uniqueness of
   * (namespace, idempotencyKey), of (namespace, name), and of a slot among live records hold however many inserts run at once. The key is
   * judged first, then the slot, then the limits: see `checkLimits`.
   * @returns the record under the same idempotency key when there is one already (the given one is then not added), else `undefined`.
   * @throws CONFLICT with nothing written when a live record holds the slot: see `slotTaken`.
   * @throws LIMIT_EXCEEDED with nothing written.
   * @throws CONFLICT with nothing written where the store belongs to another deployment; so do `replace` and `claimDue`.
   */
  insert(record: ComputeRecord, event: NewEvent, limits: Limits): Promise<ComputeRecord | undefined>;

  /** One record, or `undefined`. */
  get(namespace: string, id: string): Promise<Snapshot | undefined>;

  /** The record that accepts this hash and kind now: not expired, whatever the record's status. */
  getByTokenHash(namespace: string, hash: string, kind: TokenHash["kind"]): Promise<Snapshot | undefined>;

  /** The record under this idempotency key, whatever its status. */
  getByIdempotencyKey(namespace: string, key: string): Promise<Snapshot | undefined>;

  /** The live record that holds this slot. One indexed read. */
  getBySlot(key: SlotKey): Promise<Snapshot | undefined>;

  /**
   * Replaces the record whose stored version is `record.version - 1`, and writes the event and the settled costs with it: all of them, or none.
   * @returns false, with nothing written, when the stored version is another one or the record is not there.
   * @throws CONFLICT with nothing written when the record would hold a slot that another live record holds: see `slotTaken`.
   * @throws LIMIT_EXCEEDED with nothing written.
   */
  replace(record: ComputeRecord, event: NewEvent | undefined, replacing?: Replacing): Promise<boolean>;

  /** Records newest first (by createdAt, then id, both descending). */
  list(filter: RecordFilter, page: Page): Promise<readonly ComputeRecord[]>;

  /**
   * Leases records that are due (`dueAt <= now`) and not leased (`leaseUntil` is null or `<= now`), longest due first: sets `lease`, `leaseUntil` and `version`,
   * and nothing else. Two claims never get the same record within one lease, and do not wait for each other. Costs as much as there is due,
   * not as much as there is stored.
   */
  claimDue(claim: Claim): Promise<readonly Snapshot[]>;

  /**
   * Keeps a note's value under (namespace, name), unless a value is there that has not expired: of any number of callers at once the first one's
   * value stays, and its time is not prolonged. Each call also deletes up to `MAX_SWEPT_NOTES` expired notes, so that the table stays small
   * without a reaper. A store of another deployment writes nothing.
   * @returns the value that is kept.
   * @throws CONFLICT with nothing written where the store belongs to another deployment.
   */
  remember(note: Note): Promise<string>;

  /** Counts records in groups, the costliest group per hour first, and of equally costly ones the largest. One read, whatever the number of groups. */
  totals(query: TotalsQuery): Promise<readonly Total[]>;

  /** Events oldest first, those behind `after` only; of one compute, or of the whole namespace. */
  events(filter: EventFilter, limit: number): Promise<readonly ComputeEvent[]>;

  /**
   * Sums the costs of these days, by key: the ledger's, and the runs of live records up to the store's time (`costPerHour` since `costSince`), each
   * cost once. A key that is null and one that is empty are one.
   */
  costs(query: CostQuery): Promise<readonly CostSum[]>;

  /**
   * Deletes the oldest of what retention lets go, up to the limit. Never a live record, and no cost of a record: that is in the ledger.
   * @returns the number of records and of further events that are gone.
   */
  forget(old: Forgetting): Promise<{ readonly computes: number; readonly events: number }>;

  /**
   * Claims a reader's cursor, and makes it at its first claim, behind the events that are older than `sinceSeconds`. Of several claims at once one gets it.
   * @returns `undefined` while another claim has it, or its pause lasts.
   * @throws CONFLICT with nothing written where the store belongs to another deployment; so does `moveCursor`.
   */
  claimCursor(claim: CursorClaim): Promise<Cursor | undefined>;

  /** Moves a cursor that this lease still holds. @returns false, with nothing written, when another claim has come since. */
  moveCursor(move: CursorMove): Promise<boolean>;

  /**
   * Calls back soon after events were written, by any process if the store can, with no promise that each write calls: a hint to read `events`.
   * A call names the compute whose event it was; a call without a name may stand for any number of events. Absent where the store cannot call; then it is polled.
   */
  watch?(onChange: (computeId?: string) => void): Promise<AsyncDisposable>;

  /** Lets go of what this store opened itself. */
  close(): Promise<void>;
}
