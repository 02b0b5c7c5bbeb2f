/** The plainest store that keeps the contract: two arrays, searched from the beginning. The laws compare real stores with it. */
import { AtlasError } from "../../errors.ts";
import {
  type Claim,
  type ComputeEvent,
  type ComputeRecord,
  type CostKey,
  type CostQuery,
  type CostSum,
  checkLimits,
  type DaySpending,
  dayOf,
  type EventFilter,
  endOf,
  firstOfMonth,
  isLive,
  type Limits,
  type MonthCosts,
  type NewEvent,
  type Page,
  type RecordFilter,
  type Replacing,
  runBetween,
  type SlotKey,
  type Snapshot,
  type Store,
  slotKeyOf,
  slotTaken,
  startOf,
  type TokenHash,
  type Usage,
} from "../../store.ts";

/** The calls that the comparison makes. */
export type ComparedStore = Omit<
  Store,
  | "name"
  | "migrate"
  | "identity"
  | "forDeployment"
  | "requireOwnership"
  | "adopt"
  | "forget"
  | "remember"
  | "claimCursor"
  | "moveCursor"
  | "totals"
  | "watch"
  | "close"
>;

/** A store for one namespace. Its time moves only with {@link ModelStore.advance}. */
export class ModelStore implements ComparedStore {
  #now: number;
  #records: readonly ComputeRecord[] = [];
  #ledger: readonly { readonly record: ComputeRecord; readonly part: DaySpending }[] = [];
  #events: readonly ComputeEvent[] = [];

  constructor(start: Date) {
    this.#now = start.getTime();
  }

  /** Moves the store's time on. */
  advance(seconds: number): void {
    this.#now += seconds * 1000;
  }

  async now(): Promise<Date> {
    return new Date(this.#now);
  }

  async insert(record: ComputeRecord, event: NewEvent, limits: Limits): Promise<ComputeRecord | undefined> {
    const { id, name, idempotencyKey } = record;
    const existing = this.#records.find(
      (other) => idempotencyKey !== null && other.idempotencyKey === idempotencyKey,
    );
    if (existing !== undefined) return existing;
    this.#refuseTakenSlot(record);
    checkLimits(record, await this.#usageBeside(record), limits);
    if (this.#records.some((other) => other.id === id || other.name === name))
      throw new AtlasError("CONFLICT", "the id or the name is taken", { computeId: id });
    this.#write(record, event);
    return undefined;
  }

  async get(_: string, id: string): Promise<Snapshot | undefined> {
    return this.#snapshot((record) => record.id === id);
  }

  async getByTokenHash(_: string, hash: string, kind: TokenHash["kind"]): Promise<Snapshot | undefined> {
    return this.#snapshot(({ tokens }) =>
      tokens.some(
        (token) =>
          token.hash === hash &&
          token.kind === kind &&
          (token.expiresAt === null || token.expiresAt.getTime() > this.#now),
      ),
    );
  }

  async getByIdempotencyKey(_: string, key: string): Promise<Snapshot | undefined> {
    return this.#snapshot((record) => record.idempotencyKey === key);
  }

  async getBySlot(key: SlotKey): Promise<Snapshot | undefined> {
    return this.#snapshot((record) => holds(record, key));
  }

  async replace(
    record: ComputeRecord,
    event: NewEvent | undefined,
    { limits = {}, spent = [] }: Replacing = {},
  ): Promise<boolean> {
    const stored = this.#records.find(({ id }) => id === record.id);
    if (stored?.version !== record.version - 1) return false;
    this.#refuseTakenSlot(record);
    checkLimits(record, await this.#usageBeside(record), limits);
    this.#write(record, event);
    this.#ledger = [...this.#ledger, ...spent.map((part) => ({ record, part }))];
    return true;
  }

  async list(filter: RecordFilter, { after, limit }: Page): Promise<readonly ComputeRecord[]> {
    return this.#records
      .filter((record) => passes(record, filter) && (after === undefined || newestFirst(after, record) < 0))
      .toSorted(newestFirst)
      .slice(0, limit);
  }

  async claimDue({ lease, leaseSeconds, limit }: Claim): Promise<readonly Snapshot[]> {
    const leaseUntil = new Date(this.#now + leaseSeconds * 1000);
    const isPast = (time: Date | null): boolean => time !== null && time.getTime() <= this.#now;
    const claimed = this.#records
      .filter((record) => isPast(record.dueAt) && (record.leaseUntil === null || isPast(record.leaseUntil)))
      .toSorted((left, right) => Number(left.dueAt) - Number(right.dueAt))
      .slice(0, limit)
      .map((record) => ({ ...record, lease, leaseUntil, version: record.version + 1 }));
    for (const record of claimed) this.#write(record, undefined);
    return claimed.map((record) => ({ record, now: new Date(this.#now) }));
  }

  async events(
    { computeId, after = "0", newest = false }: Omit<EventFilter, "namespace">,
    limit: number,
  ): Promise<readonly ComputeEvent[]> {
    const found = this.#events
      .filter((event) => Number(event.id) > Number(after))
      .filter((event) => computeId === undefined || event.computeId === computeId);
    return newest ? found.slice(Math.max(0, found.length - limit)) : found.slice(0, limit);
  }

  async costs({ by, from, to }: CostQuery): Promise<readonly CostSum[]> {
    const settled = this.#ledger
      .filter(({ part: { day } }) => day >= from && day <= to)
      .map(({ record, part }) => ({ ...part, key: keyOf(record, by), costPerHour: 0 }));
    const until = new Date(Math.min(this.#now, endOf(to).getTime()));
    const runs = this.#records
      .filter(({ status, costSince }) => isLive(status) && costSince !== null)
      .map((record) => ({
        ...runBetween(record, startOf(from), until),
        key: keyOf(record, by),
        computes: record.settledAt === null && isBetween(record.costSince, startOf(from), endOf(to)) ? 1 : 0,
        costPerHour: record.costPerHour ?? 0,
      }));
    const parts = [...settled, ...runs];
    return [...new Set(parts.map(({ key }) => key))].map((key) => {
      const own = parts.filter((part) => part.key === key);
      const sum = (name: "cost" | "seconds" | "computes" | "costPerHour"): number =>
        own.reduce((total, part) => total + part[name], 0);
      return {
        key,
        cost: sum("cost"),
        seconds: sum("seconds"),
        computes: sum("computes"),
        costPerHour: sum("costPerHour"),
      };
    });
  }

  async #monthCosts(userId: string | null): Promise<MonthCosts> {
    const now = new Date(this.#now);
    const sums = await this.costs({ namespace: "", by: "user", from: firstOfMonth(now), to: dayOf(now) });
    const of = (wanted: readonly CostSum[]): number => wanted.reduce((total, { cost }) => total + cost, 0);
    return {
      monthCost: of(sums),
      userMonthCost: userId === null ? 0 : of(sums.filter(({ key }) => key === userId)),
    };
  }

  #refuseTakenSlot(record: ComputeRecord): void {
    const key = slotKeyOf(record);
    const holder = this.#records.find((other) => other.id !== record.id && key && holds(other, key));
    if (holder !== undefined) throw slotTaken(record, holder.id);
  }

  #snapshot(isWanted: (record: ComputeRecord) => boolean): Snapshot | undefined {
    const record = this.#records.find(isWanted);
    return record && { record, now: new Date(this.#now) };
  }

  async #usageBeside({ id, userId }: ComputeRecord): Promise<Usage> {
    const live = this.#records.filter((record) => record.id !== id && isLive(record.status));
    const ofUser = userId === null ? [] : live.filter((record) => record.userId === userId);
    return {
      computes: live.length,
      costPerHour: totalCost(live),
      userComputes: ofUser.length,
      userCostPerHour: totalCost(ofUser),
      ...(await this.#monthCosts(userId)),
    };
  }

  #write(record: ComputeRecord, event: NewEvent | undefined): void {
    const others = this.#records.filter(({ id }) => id !== record.id);
    this.#records = [...others, record];
    if (event === undefined) return;
    const id = String(this.#events.length + 1);
    this.#events = [...this.#events, { ...event, id, computeId: record.id, at: new Date(this.#now) }];
  }
}

function holds(record: ComputeRecord, { tenantId, userId, slot }: SlotKey): boolean {
  const isNamed = record.tenantId === tenantId && record.userId === userId && record.slot === slot;
  return isNamed && isLive(record.status);
}

/** True when every given field of the filter is the record's. */
export function passes(record: ComputeRecord, filter: Partial<RecordFilter>): boolean {
  return (
    (filter.userId ?? record.userId) === record.userId &&
    (filter.slot ?? record.slot) === record.slot &&
    (filter.tenantId ?? record.tenantId) === record.tenantId &&
    (filter.provider ?? record.provider) === record.provider &&
    (filter.statuses ?? [record.status]).includes(record.status) &&
    (filter.names ?? [record.name]).includes(record.name) &&
    [record.id, record.name, record.providerId, record.userId, record.slot].some(
      (text) => filter.search === undefined || text?.includes(filter.search),
    )
  );
}

function newestFirst(
  left: { readonly createdAt: Date; readonly id: string },
  right: { readonly createdAt: Date; readonly id: string },
): number {
  const age = right.createdAt.getTime() - left.createdAt.getTime();
  if (age !== 0 || left.id === right.id) return age;
  return left.id < right.id ? 1 : -1;
}

function totalCost(records: readonly ComputeRecord[]): number {
  return records.reduce((sum, { costPerHour }) => sum + (costPerHour ?? 0), 0);
}

function keyOf({ userId, provider, gpu }: ComputeRecord, by: CostKey): string | null {
  return { user: userId, provider, gpu }[by] || null;
}

function isBetween(time: Date | null, from: Date, to: Date): boolean {
  return time !== null && time >= from && time < to;
}
