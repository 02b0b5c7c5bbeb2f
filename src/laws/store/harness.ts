/** The tools of the laws of a store. */
import assert from "node:assert/strict";
import { isAtlasError } from "../../errors.ts";
import { defined } from "../../internal/defined.ts";
import type {
  ComputeEvent,
  ComputeRecord,
  Limits,
  NewEvent,
  RecordFilter,
  Snapshot,
  Store,
} from "../../store.ts";

/** The two functions of a test runner that the suite needs: those of vitest, `node:test`, jest or mocha. */
export interface Runner {
  /** Groups tests under a name. */
  describe(name: string, body: () => void): unknown;
  /** Declares a test. */
  it(name: string, body: () => Promise<void>): unknown;
}

/** An empty store, and the ways in which a law may change the world around it. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Another store on the same data, as another process would have it. Absent where there can be no other. */
  second?(): Promise<Store>;
  /** Moves the store's time on; by itself it stands still. */
  advance(seconds: number): void | Promise<void>;
  /** Closes every store that was handed out. */
  close(): Promise<void>;
}

/** States one law: `body` runs on a fresh store. */
export type Law = (name: string, body: (subject: StoreUnderTest) => Promise<void>) => void;

/** A part of the suite. */
export type Laws = (law: Law) => void;

/** The namespace that laws use when they say no other. */
export const namespace = "laws";

/** A moment long enough ago to be before any store's time. */
export const longAgo: Date = new Date("2024-02-29T12:34:56.789Z");

let lastId = 0;

/** A new compute id. */
export function newId(): string {
  lastId += 1;
  return `c${lastId.toString(36).padStart(19, "0")}`;
}

/** A record with a new id and name; live, not due, without a user. */
export function newRecord(facts: Partial<ComputeRecord> = {}): ComputeRecord {
  const id = facts.id ?? newId();
  return { ...blank, id, name: `atlas-${facts.namespace ?? namespace}-${id}`, ...facts };
}

const blank: Omit<ComputeRecord, "id" | "name"> = {
  namespace,
  version: 1,
  provider: "mock",
  providerId: null,
  status: "provisioning",
  reason: null,
  userId: null,
  slot: null,
  tenantId: null,
  gpu: null,
  gpuCount: 1,
  region: null,
  ports: [],
  authSchemes: [],
  generation: 0,
  signingKeyId: null,
  tokens: [],
  metadata: {},
  idempotencyKey: null,
  requestHash: "0",
  costPerHour: null,
  costBefore: 0,
  costSince: null,
  settledAt: null,
  idleTimeoutSeconds: null,
  maxLifetimeSeconds: null,
  maxExtendedLifetimeSeconds: null,
  bootTimeoutSeconds: null,
  warnBeforeEndSeconds: 120,
  actedAt: null,
  answeredAt: null,
  lookedAt: null,
  looks: 0,
  warnedEnd: null,
  createdAt: longAgo,
  updatedAt: longAgo,
  lastActiveAt: longAgo,
  placedAt: null,
  endedAt: null,
  absentSince: null,
  bootDeadline: null,
  idleDeadline: null,
  lifetimeDeadline: null,
  budgetDeadline: null,
  checkAt: null,
  dueAt: null,
  lease: null,
  leaseUntil: null,
  attempts: 0,
  lastError: null,
  reports: {},
};

/** An event about a record. */
export function eventOf(record: ComputeRecord, data: Readonly<Record<string, unknown>> = {}): NewEvent {
  return { type: "state", status: record.status, reason: record.reason, costSoFar: null, data };
}

/** Builds the next version of a record. */
export function next(record: ComputeRecord, facts: Partial<ComputeRecord> = {}): ComputeRecord {
  return { ...record, ...facts, version: record.version + 1 };
}

/** Inserts new records with these facts, one after the other. */
export async function insertAll(
  store: Store,
  facts: readonly Partial<ComputeRecord>[],
): Promise<ComputeRecord[]> {
  const records = facts.map(newRecord);
  for (const record of records) assert.equal(await insert(store, record), undefined);
  return records;
}

/** Inserts a record with its event. */
export function insert(
  store: Store,
  record: ComputeRecord,
  limits: Limits = {},
): Promise<ComputeRecord | undefined> {
  return store.insert(record, eventOf(record), limits);
}

/** Replaces a record, with an event. */
export function replace(store: Store, record: ComputeRecord, limits?: Limits): Promise<boolean> {
  return store.replace(record, eventOf(record), { limits });
}

/** Lists every record that matches a filter. */
export function all(store: Store, filter: Partial<RecordFilter> = {}): Promise<readonly ComputeRecord[]> {
  return store.list({ namespace, ...filter }, { limit: 1000 });
}

/** Lists every event of the namespace, or of one compute. */
export function allEvents(store: Store, computeId?: string): Promise<readonly ComputeEvent[]> {
  return store.events(defined({ namespace, computeId }), 100_000);
}

/** Claims due records for a minute. */
export function claim(store: Store, lease: string, limit = 100): Promise<readonly Snapshot[]> {
  return store.claimDue({ namespace, lease, leaseSeconds: 60, limit });
}

/** The two ends of a store: two processes where the store allows it, else the same one twice. */
export async function bothEnds({ store, second }: StoreUnderTest): Promise<readonly [Store, Store]> {
  return [store, (await second?.()) ?? store];
}

/** Runs the call `count` times at once, from both ends in turn. */
export async function atOnce<Result>(
  subject: StoreUnderTest,
  count: number,
  call: (store: Store, index: number) => Promise<Result>,
): Promise<PromiseSettledResult<Result>[]> {
  const ends = await bothEnds(subject);
  return Promise.allSettled(
    Array.from({ length: count }, async (_, index) => call(index % 2 === 0 ? ends[0] : ends[1], index)),
  );
}

/** The results of the calls that succeeded. */
export function values<Result>(results: readonly PromiseSettledResult<Result>[]): Result[] {
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

/** The codes of the errors of the calls that failed; an error of another class fails the law. */
export function errorCodes(results: readonly PromiseSettledResult<unknown>[]): string[] {
  return results.flatMap((result) => (result.status === "rejected" ? [codeOf(result.reason)] : []));
}

/** The code of an error, which has to be an `AtlasError`. */
export function codeOf(error: unknown): string {
  if (isAtlasError(error)) return error.code;
  throw error;
}
