/**
 * The contract of a store: the facts that it keeps, and the steps that are atomic.
 * The comments are the laws; `src/laws/store-laws.ts` holds every store to them.
 *
 * A store knows no rules about computes. It loads a record, and replaces it unless another writer has replaced it meanwhile. `lifecycle/`
 * decides which state may follow another, once for all stores.
 */
import { AtlasError } from "./errors.ts";
import type { Port } from "./provider.ts";

/** The state of a compute. */
export type ComputeStatus =
  | "pending"
  | "provisioning"
  | "running"
  | "stopped"
  | "uncertain"
  | "terminating"
  | "terminated"
  | "failed";

/** The states in which a compute may still cost money. Limits count exactly these. */
export const liveStatuses: readonly ComputeStatus[] = [
  "pending",
  "provisioning",
  "running",
  "stopped",
  "uncertain",
  "terminating",
];

/** The reason for the end of a compute. */
export type EndReason =
  | "requested"
  | "idle"
  | "max_lifetime"
  | "boot_timeout"
  | "vanished"
  | "abandoned"
  | "orphan"
  | "failed";

/** The protection of a pod's port. */
export type AuthScheme = "bearer" | "signed-url";

/** A token that is accepted, by its hash; the token itself is stored nowhere. */
export interface TokenHash {
  /** SHA-256 of the token, lowercase hex. */
  readonly hash: string;
  /** `user`: opens the pod. `pod`: the pod's own credential for calling the control plane. */
  readonly kind: "user" | "pod";
  /** When it stops being accepted; null for the life of the compute. */
  readonly expiresAt: Date | null;
}

/** The stored facts about one compute. Holds no secret. Times are the store's. */
export interface ComputeRecord {
  /** 20 characters of `0-9a-z`. */
  readonly id: string;
  readonly namespace: string;
  /** The instance's exact name at the provider. */
  readonly name: string;
  /** Rises by one with every change. */
  readonly version: number;
  readonly provider: string;
  readonly providerId: string | null;
  readonly status: ComputeStatus;
  readonly reason: EndReason | null;
  readonly userId: string | null;
  /** The tenant of a shared control plane on whose provider key this runs; null outside of one. */
  readonly tenantId: string | null;
  readonly gpu: string | null;
  readonly gpuCount: number;
  readonly region: string | null;
  readonly ports: readonly Port[];
  readonly authSchemes: readonly AuthScheme[];
  readonly tokens: readonly TokenHash[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly idempotencyKey: string | null;
  /** Fingerprint of the request, to tell a repeated call from another one under the same key; empty without a key. */
  readonly requestHash: string;
  /** US dollars per hour it costs now, or would cost on the candidate being tried; null when not known. */
  readonly costPerHour: number | null;
  /** US dollars spent up to `costSince`. */
  readonly costBefore: number;
  /** The time since which `costPerHour` counts; null while nothing costs. */
  readonly costSince: Date | null;
  readonly idleTimeoutSeconds: number | null;
  readonly maxLifetimeSeconds: number | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastActiveAt: Date;
  /** When the provider's create was sent last, and once it answered, when it did: lags count from then. Null before. */
  readonly placedAt: Date | null;
  readonly endedAt: Date | null;
  readonly bootDeadline: Date | null;
  readonly idleDeadline: Date | null;
  readonly lifetimeDeadline: Date | null;
  /** The next time for any other work: a try to repeat, an instance to check. */
  readonly checkAt: Date | null;
  /** The earliest of the four times above, or `checkAt` alone while a task that failed is put off; null: never. The one column a reaper searches. */
  readonly dueAt: Date | null;
  /** The claim that works on the record now; no other claim may before `leaseUntil`. */
  readonly lease: string | null;
  readonly leaseUntil: Date | null;
  /** The number of failures of the present task in a row. */
  readonly attempts: number;
  /** The last failure, in words without secrets. */
  readonly lastError: string | null;
  /** The last of each kind of report that the pod sent, by kind. */
  readonly reports: Readonly<Record<string, unknown>>;
}

/** A record, and the store's time at which it was read. */
export interface Snapshot {
  readonly record: ComputeRecord;
  readonly now: Date;
}

/** Something that happened to a compute, as it is written. */
export interface NewEvent {
  /** `state`: its status changed. `report`: its pod reported. `token`: what it accepts changed. `note`: something to know. */
  readonly type: "state" | "report" | "token" | "note";
  readonly status: ComputeStatus;
  readonly reason: EndReason | null;
  /** US dollars spent so far; null when not known. */
  readonly costSoFar: number | null;
  /** Facts without secrets. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Something that happened to a compute, as it is read. */
export interface ComputeEvent extends NewEvent {
  /** Decimal digits; of two events of one compute the later has the greater. Resume after it. */
  readonly id: string;
  readonly computeId: string;
  readonly at: Date;
}

/** The limits of an application. Absent means no limit. */
export interface Limits {
  /** Live computes of one user. */
  readonly computesPerUser?: number;
  /** Live computes in the namespace. */
  readonly computes?: number;
  /** US dollars per hour of one user's live computes. */
  readonly costPerHourPerUser?: number;
  /** US dollars per hour of all live computes in the namespace. */
  readonly costPerHour?: number;
}

/** The totals of the live computes beside the one being written. */
export interface Usage {
  readonly computes: number;
  readonly costPerHour: number;
  /** Of the same user; zeros when the record has no user. */
  readonly userComputes: number;
  readonly userCostPerHour: number;
}

/** A filter on records. Absent fields do not filter. */
export interface RecordFilter {
  readonly namespace: string;
  readonly userId?: string;
  readonly tenantId?: string;
  readonly provider?: string;
  readonly statuses?: readonly ComputeStatus[];
  /** Only records with one of these exact names. */
  readonly names?: readonly string[];
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

  /** This store's own random id, made at its first use and never changed: the owner tag of every instance recorded here. */
  identity(): Promise<string>;

  /** The store's time. */
  now(): Promise<Date>;

  /**
   * Adds a record, unless that would break a limit, and writes its first event with it. Limits and the uniqueness of
   * (namespace, idempotencyKey) and of (namespace, name) hold however many inserts run at once: see {@link checkLimits}.
   * @returns the record under the same idempotency key when there is one already (the given one is then not added), else `undefined`.
   * @throws LIMIT_EXCEEDED with nothing written.
   */
  insert(record: ComputeRecord, event: NewEvent, limits: Limits): Promise<ComputeRecord | undefined>;

  /** One record, or `undefined`. */
  get(namespace: string, id: string): Promise<Snapshot | undefined>;

  /** The record that accepts this hash and kind now: not expired, whatever the record's status. */
  getByTokenHash(namespace: string, hash: string, kind: TokenHash["kind"]): Promise<Snapshot | undefined>;

  /** The record under this idempotency key, whatever its status. */
  getByIdempotencyKey(namespace: string, key: string): Promise<Snapshot | undefined>;

  /**
   * Replaces the record whose stored version is `record.version - 1`, and writes the event with it. With limits, they are checked as at an insert.
   * @returns false, with nothing written, when the stored version is another one or the record is not there.
   * @throws LIMIT_EXCEEDED with nothing written.
   */
  replace(record: ComputeRecord, event: NewEvent | undefined, limits?: Limits): Promise<boolean>;

  /** Records newest first (by createdAt, then id, both descending). */
  list(filter: RecordFilter, page: Page): Promise<readonly ComputeRecord[]>;

  /**
   * Leases records that are due (`dueAt <= now`) and not leased (`leaseUntil` is null or `<= now`), longest due first: sets `lease`, `leaseUntil` and `version`,
   * and nothing else. Two claims never get the same record within one lease, and do not wait for each other. Costs as much as there is due,
   * not as much as there is stored.
   */
  claimDue(claim: Claim): Promise<readonly Snapshot[]>;

  /** Events oldest first, those behind `after` only; of one compute, or of the whole namespace. */
  events(
    filter: { readonly namespace: string; readonly computeId?: string; readonly after?: string },
    limit: number,
  ): Promise<readonly ComputeEvent[]>;

  /**
   * Calls back soon after events were written, by any process if the store can, with no promise that each write calls: a hint to read `events`.
   * Absent where the store cannot; then it is polled.
   */
  watch?(onChange: () => void): Promise<AsyncDisposable>;

  /** Lets go of what this store opened itself. */
  close(): Promise<void>;
}

/** True when a compute in this state may still cost money. */
export function isLive(status: ComputeStatus): boolean {
  return liveStatuses.includes(status);
}

/**
 * Refuses a record that would break a limit. `usage` is of the other live records, read in the transaction that writes this one.
 * A store that checks in SQL answers the same.
 * @throws LIMIT_EXCEEDED naming the limit, what it allows and what it would become.
 */
export function checkLimits(record: ComputeRecord, usage: Usage, limits: Limits): void {
  const cost = record.costPerHour ?? 0;
  const ofUser = record.userId !== null;
  const totals: readonly [keyof Limits, number, boolean][] = [
    ["computesPerUser", usage.userComputes + 1, ofUser],
    ["computes", usage.computes + 1, true],
    ["costPerHourPerUser", usage.userCostPerHour + cost, ofUser],
    ["costPerHour", usage.costPerHour + cost, true],
  ];
  for (const [limit, total, applies] of totals) {
    const allowed = limits[limit];
    if (applies && allowed !== undefined && total > allowed + 1e-9)
      throw limitExceeded(limit, allowed, total, record);
  }
}

const COST_LIMITS: ReadonlySet<unknown> = new Set<keyof Limits>(["costPerHour", "costPerHourPerUser"]);

/** True for an error of {@link checkLimits} about a limit on cost, which a cheaper candidate may keep. */
export function isCostLimit({ code, details }: AtlasError): boolean {
  return code === "LIMIT_EXCEEDED" && COST_LIMITS.has(details?.limit);
}

function limitExceeded(
  limit: keyof Limits,
  allowed: number,
  total: number,
  record: ComputeRecord,
): AtlasError {
  const whose = limit.endsWith("PerUser") ? `user "${record.userId}"` : `namespace "${record.namespace}"`;
  const message = `${limit} is ${allowed}; this compute would bring ${whose} to ${total}: terminate a compute first, or raise the limit in createAtlas`;
  return new AtlasError("LIMIT_EXCEEDED", message, { details: { limit, allowed, total } });
}
