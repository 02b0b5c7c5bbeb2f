/** The records and events of one namespace in memory, and every index over them. */
import {
  type ComputeEvent,
  type ComputeRecord,
  isLive,
  type Page,
  type RecordFilter,
  type TokenHash,
  type Usage,
} from "../../store.ts";
import { matches } from "../sql/rules.ts";
import { DueQueue } from "./due-queue.ts";
import { RunningTotals } from "./running-totals.ts";

/** Everything under one namespace. Records in it are never handed out and never changed, only replaced. */
export class MemoryNamespace {
  readonly records: Map<string, ComputeRecord> = new Map();
  readonly byName: Map<string, ComputeRecord> = new Map();
  readonly byIdempotencyKey: Map<string, ComputeRecord> = new Map();
  readonly #live = new Map<string, ComputeRecord>();
  readonly #byToken = new Map<string, Map<string, ComputeRecord>>();
  readonly #due = new DueQueue();
  readonly #totals = new RunningTotals();
  readonly #events: ComputeEvent[] = [];
  readonly #eventsByCompute = new Map<string, ComputeEvent[]>();

  /** Stores a record in place of the one with its id, if there is one. */
  put(record: ComputeRecord): void {
    const before = this.records.get(record.id);
    if (before !== undefined) this.#forget(before);
    this.records.set(record.id, record);
    this.byName.set(record.name, record);
    if (record.idempotencyKey !== null) this.byIdempotencyKey.set(record.idempotencyKey, record);
    for (const token of record.tokens) this.#withToken(token.hash, token.kind).set(record.id, record);
    if (isLive(record.status)) this.#live.set(record.id, record);
    this.#totals.count(record, 1);
    this.#due.set(record.id, record.dueAt?.getTime());
  }

  /** What the live records beside this one come to. */
  usageBeside(record: ComputeRecord): Usage {
    const before = this.records.get(record.id);
    if (before !== undefined) this.#totals.count(before, -1);
    const usage = this.#totals.usage(record.userId);
    if (before !== undefined) this.#totals.count(before, 1);
    return usage;
  }

  /** The records that have this token, expired or not. */
  withToken(hash: string, kind: TokenHash["kind"]): readonly ComputeRecord[] {
    return [...(this.#byToken.get(`${kind}:${hash}`)?.values() ?? [])];
  }

  /** Whether any record has this token, of whatever kind. */
  hasToken(hash: string): boolean {
    return this.#byToken.has(`user:${hash}`) || this.#byToken.has(`pod:${hash}`);
  }

  /** Due records that are not leased, longest due first. */
  claimable(now: Date, limit: number): readonly ComputeRecord[] {
    const isFree = (id: string): boolean => {
      const until = this.records.get(id)?.leaseUntil ?? null;
      return until === null || until <= now;
    };
    return this.#due.due(now.getTime(), limit, isFree).flatMap((id) => this.records.get(id) ?? []);
  }

  list(filter: RecordFilter, page: Page): readonly ComputeRecord[] {
    const { after } = page;
    return [...this.#candidates(filter)]
      .filter((record) => matches(record, filter) && (after === undefined || newestFirst(after, record) < 0))
      .sort(newestFirst)
      .slice(0, page.limit);
  }

  addEvent(event: ComputeEvent): void {
    this.#events.push(event);
    const ofCompute = this.#eventsByCompute.get(event.computeId);
    if (ofCompute === undefined) this.#eventsByCompute.set(event.computeId, [event]);
    else ofCompute.push(event);
  }

  events(computeId: string | undefined, after: number, limit: number): readonly ComputeEvent[] {
    const events = computeId === undefined ? this.#events : (this.#eventsByCompute.get(computeId) ?? []);
    const start = firstBehind(events, after);
    return events.slice(start, start + limit);
  }

  #forget(record: ComputeRecord): void {
    this.byName.delete(record.name);
    if (record.idempotencyKey !== null) this.byIdempotencyKey.delete(record.idempotencyKey);
    for (const { hash, kind } of record.tokens) {
      const holders = this.#withToken(hash, kind);
      holders.delete(record.id);
      if (holders.size === 0) this.#byToken.delete(`${kind}:${hash}`);
    }
    this.#live.delete(record.id);
    this.#totals.count(record, -1);
  }

  #withToken(hash: string, kind: TokenHash["kind"]): Map<string, ComputeRecord> {
    const key = `${kind}:${hash}`;
    const holders = this.#byToken.get(key) ?? new Map<string, ComputeRecord>();
    this.#byToken.set(key, holders);
    return holders;
  }

  /** A set of records, as small as an index gives it, that holds everything the filter could let through. */
  #candidates(filter: RecordFilter): Iterable<ComputeRecord> {
    if (filter.names !== undefined)
      return [...new Set(filter.names)].flatMap((name) => this.byName.get(name) ?? []);
    if (filter.statuses?.every(isLive)) return this.#live.values();
    return this.records.values();
  }
}

type Position = Pick<ComputeRecord, "createdAt" | "id">;

function newestFirst(left: Position, right: Position): number {
  const apart = right.createdAt.getTime() - left.createdAt.getTime();
  if (apart !== 0) return apart;
  if (left.id === right.id) return 0;
  return left.id < right.id ? 1 : -1;
}

function firstBehind(events: readonly ComputeEvent[], after: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Number(events[middle]?.id) <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
