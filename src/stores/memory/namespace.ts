/** The records and events of one namespace in memory, and every index over them. */
import {
  type ComputeEvent,
  type ComputeRecord,
  type EventFilter,
  type Forgetting,
  isLive,
  isMonthLimited,
  type Limits,
  type Page,
  type RecordFilter,
  type SlotKey,
  slotKeyOf,
  type TokenHash,
  type Usage,
} from "../../store.ts";
import { matches } from "../sql/rules.ts";
import { MemoryCursors } from "./cursors.ts";
import { Groups } from "./groups.ts";
import { MemoryLedger } from "./ledger.ts";

/** Everything under one namespace. Its records are never handed out and never changed, only replaced. */
export class MemoryNamespace {
  readonly records: Map<string, ComputeRecord> = new Map();
  readonly byName: Map<string, ComputeRecord> = new Map();
  readonly byIdempotencyKey: Map<string, ComputeRecord> = new Map();
  readonly cursors: MemoryCursors = new MemoryCursors();
  readonly ledger: MemoryLedger = new MemoryLedger();
  readonly #live = new Map<string, ComputeRecord>();
  readonly #bySlot = new Map<string, ComputeRecord>();
  readonly #byToken = new Groups<string>();
  readonly #byUser = new Groups<string>();
  /** By the minute of `dueAt`: a claim reads the minutes that have come, not everything that is stored. */
  readonly #byDueMinute = new Groups<number>();
  /** By the minute of `endedAt`, for the same reason: retention reads what is old. */
  readonly #byEndMinute = new Groups<number>();
  #events: ComputeEvent[] = [];
  readonly #eventsByCompute = new Map<string, ComputeEvent[]>();

  /** Stores a record in place of the one with its id, if there is one. */
  put(record: ComputeRecord): void {
    const before = this.records.get(record.id);
    if (before !== undefined) this.#forget(before);
    this.records.set(record.id, record);
    this.byName.set(record.name, record);
    if (record.idempotencyKey !== null) this.byIdempotencyKey.set(record.idempotencyKey, record);
    for (const token of record.tokens) this.#byToken.add(tokenKey(token), record);
    const slot = slotKeyOf(record);
    if (slot !== undefined) this.#bySlot.set(slotText(slot), record);
    if (isLive(record.status)) this.#live.set(record.id, record);
    if (record.userId !== null) this.#byUser.add(record.userId, record);
    if (record.dueAt !== null) this.#byDueMinute.add(minuteOf(record.dueAt), record);
    if (record.endedAt !== null) this.#byEndMinute.add(minuteOf(record.endedAt), record);
  }

  /** Counts the live records beside this one, and the costs of the month. */
  usageBeside({ id, userId }: ComputeRecord, limits: Limits, now: Date): Usage {
    const live = [...this.#live.values()].filter((record) => record.id !== id);
    const ofUser = userId === null ? [] : live.filter((record) => record.userId === userId);
    return {
      computes: live.length,
      costPerHour: totalCost(live),
      userComputes: ofUser.length,
      userCostPerHour: totalCost(ofUser),
      ...(isMonthLimited(limits)
        ? this.ledger.monthCosts(userId, this.live(), now)
        : { monthCost: 0, userMonthCost: 0 }),
    };
  }

  /** Every live record. */
  live(): readonly ComputeRecord[] {
    return [...this.#live.values()];
  }

  /** The live record that holds this slot. */
  holderOf(key: SlotKey): ComputeRecord | undefined {
    return this.#bySlot.get(slotText(key));
  }

  /** The records that have this token, expired or not. */
  withToken(hash: string, kind: TokenHash["kind"]): readonly ComputeRecord[] {
    return this.#byToken.of(tokenKey({ hash, kind }));
  }

  /** True when any record has this token, of either kind. */
  hasToken(hash: string): boolean {
    return this.withToken(hash, "user").length > 0 || this.withToken(hash, "pod").length > 0;
  }

  /** Due records that are not leased, longest due first. */
  claimable(now: Date, limit: number): readonly ComputeRecord[] {
    return upTo(now, this.#byDueMinute)
      .filter(({ dueAt, leaseUntil }) => isPast(dueAt, now) && (leaseUntil === null || leaseUntil <= now))
      .sort((left, right) => Number(left.dueAt) - Number(right.dueAt))
      .slice(0, limit);
  }

  /** Every record that a filter lets through, in no order. */
  matching(filter: RecordFilter): readonly ComputeRecord[] {
    return [...this.#candidates(filter)].filter((record) => matches(record, filter));
  }

  list(filter: RecordFilter, page: Page): readonly ComputeRecord[] {
    const { after } = page;
    return this.matching(filter)
      .filter((record) => after === undefined || newestFirst(after, record) < 0)
      .sort(newestFirst)
      .slice(0, page.limit);
  }

  addEvent(event: ComputeEvent): void {
    this.#events.push(event);
    const ofCompute = this.#eventsByCompute.get(event.computeId);
    if (ofCompute === undefined) this.#eventsByCompute.set(event.computeId, [event]);
    else ofCompute.push(event);
  }

  events({ computeId, newest }: EventFilter, after: number, limit: number): readonly ComputeEvent[] {
    const events = computeId === undefined ? this.#events : (this.#eventsByCompute.get(computeId) ?? []);
    const first = firstBehind(events, after);
    const start = newest ? Math.max(first, events.length - limit) : first;
    return events.slice(start, start + limit);
  }

  /** The id of the last event before that time; "0" where there is none. */
  readonly lastBefore = (time: Date): string => this.#events.findLast(({ at }) => at < time)?.id ?? "0";

  /** See `Store.forget`. */
  forgetOld({ endedBefore, computeIds, eventsPerCompute, ledgerBefore, limit }: Forgetting): {
    readonly computes: number;
    readonly events: number;
  } {
    const old = upTo(endedBefore, this.#byEndMinute)
      .filter(({ status, endedAt }) => !isLive(status) && endedAt !== null && endedAt < endedBefore)
      .sort((left, right) => Number(left.endedAt) - Number(right.endedAt))
      .slice(0, limit);
    for (const record of old) {
      this.#forget(record);
      this.records.delete(record.id);
    }
    if (ledgerBefore !== undefined) this.ledger.forget(ledgerBefore, limit);
    const surplus = computeIds
      .flatMap((id) => (this.#eventsByCompute.get(id) ?? []).slice(0, -eventsPerCompute || undefined))
      .sort((left, right) => Number(left.id) - Number(right.id))
      .slice(0, limit);
    this.#drop(new Set(surplus), new Set(old.map(({ id }) => id)));
    return { computes: old.length, events: surplus.length };
  }

  #drop(events: ReadonlySet<ComputeEvent>, computeIds: ReadonlySet<string>): void {
    if (events.size === 0 && computeIds.size === 0) return;
    const stays = (event: ComputeEvent): boolean => !events.has(event) && !computeIds.has(event.computeId);
    this.#events = this.#events.filter(stays);
    for (const id of computeIds) this.#eventsByCompute.delete(id);
    for (const id of new Set([...events].map(({ computeId }) => computeId)))
      this.#eventsByCompute.set(id, (this.#eventsByCompute.get(id) ?? []).filter(stays));
  }

  #forget(record: ComputeRecord): void {
    this.byName.delete(record.name);
    if (record.idempotencyKey !== null) this.byIdempotencyKey.delete(record.idempotencyKey);
    for (const token of record.tokens) this.#byToken.remove(tokenKey(token), record);
    if (record.dueAt !== null) this.#byDueMinute.remove(minuteOf(record.dueAt), record);
    if (record.endedAt !== null) this.#byEndMinute.remove(minuteOf(record.endedAt), record);
    const slot = slotKeyOf(record);
    if (slot !== undefined) this.#bySlot.delete(slotText(slot));
    this.#live.delete(record.id);
    if (record.userId !== null) this.#byUser.remove(record.userId, record);
  }

  /** The smallest set of records from an index that holds every match of the filter. */
  #candidates(filter: RecordFilter): Iterable<ComputeRecord> {
    if (filter.names !== undefined)
      return [...new Set(filter.names)].flatMap((name) => this.byName.get(name) ?? []);
    if (filter.userId !== undefined) return this.#byUser.of(filter.userId);
    if (filter.statuses?.every(isLive)) return this.#live.values();
    return this.records.values();
  }
}

function slotText({ tenantId, userId, slot }: SlotKey): string {
  return JSON.stringify([tenantId, userId, slot]);
}

function tokenKey({ hash, kind }: Pick<TokenHash, "hash" | "kind">): string {
  return `${kind}:${hash}`;
}

function minuteOf(time: Date): number {
  return Math.floor(time.getTime() / 60_000);
}

/** The records of the minutes up to a time. */
function upTo(time: Date, byMinute: Groups<number>): readonly ComputeRecord[] {
  return byMinute.keys.filter((minute) => minute <= minuteOf(time)).flatMap((minute) => byMinute.of(minute));
}

function isPast(time: Date | null, now: Date): boolean {
  return time !== null && time <= now;
}

function totalCost(records: readonly ComputeRecord[]): number {
  return records.reduce((sum, { costPerHour }) => sum + (costPerHour ?? 0), 0);
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
