/** A store in the memory of this process: for tests, and for applications that may lose all records when they end. */

import { type Clock, systemClock } from "../../clock.ts";
import { clockField } from "../../internal/option-fields.ts";
import { parseFields } from "../../internal/parse.ts";
import {
  type Claim,
  type ComputeEvent,
  type ComputeRecord,
  type CostQuery,
  type CostSum,
  type Cursor,
  type CursorClaim,
  type CursorMove,
  checkLimits,
  type EventFilter,
  type Forgetting,
  type Limits,
  type NewEvent,
  type Note,
  type Page,
  type RecordFilter,
  type Replacing,
  type SlotKey,
  type Snapshot,
  type Store,
  slotKeyOf,
  slotTaken,
  type TokenHash,
  type Total,
  type TotalsQuery,
} from "../../store.ts";
import type { TenantRecord, TenantSnapshot, TenantStore } from "../../tenant-store.ts";
import { accepts, belongsTo, eventPosition, isLimited, taken } from "../sql/rules.ts";
import { abandoned } from "./abandoned.ts";
import { copy } from "./copy.ts";
import { MemoryData } from "./data.ts";
import { MemoryNamespace } from "./namespace.ts";
import { totalsOf } from "./totals.ts";

/**
 * Creates a store that keeps everything in this process and loses it when the process ends. No later process then finds the pods that
 * still run: use a durable store where pods cost money.
 *
 * @throws VALIDATION when an option is not valid.
 *
 * @example
 * ```ts
 * import { createAtlas, memoryStore } from "atlas-compute";
 * import { mock } from "atlas-compute/mock";
 *
 * const atlas = createAtlas({ providers: [mock()], store: memoryStore() });
 * ```
 */
export function memoryStore(options: { clock?: Clock } = {}): Store & TenantStore {
  const { clock = systemClock } = parseFields("The options of memoryStore()", { clock: clockField }, options);
  return new MemoryStore(clock, new MemoryData(), undefined);
}

class MemoryStore implements Store, TenantStore {
  readonly name = "memory";
  readonly #clock: Clock;
  readonly #data: MemoryData;
  readonly #deployment: string | undefined;

  constructor(clock: Clock, data: MemoryData, deployment: string | undefined) {
    this.#clock = clock;
    this.#data = data;
    this.#deployment = deployment;
  }

  async identity(): Promise<string> {
    return this.#data.identity;
  }

  forDeployment(deployment: string): Store {
    return new MemoryStore(this.#clock, this.#data, deployment);
  }

  async requireOwnership(): Promise<void> {
    this.#data.requireOwnership(this.#deployment);
  }

  async adopt(as: "moved" | "copy"): Promise<number> {
    const now = this.#clock.now();
    this.#data.adopt(as, this.#deployment);
    const live = as === "moved" ? [] : [...this.#data.namespaces.values()].flatMap((one) => one.live());
    for (const record of live) {
      const event = {
        type: "state",
        status: "terminated",
        reason: "abandoned",
        data: { adopted: "copy" },
      } as const;
      const costSoFar = record.costPerHour === null ? null : record.costBefore;
      this.#write(this.#namespace(record.namespace), abandoned(record, now), { ...event, costSoFar });
    }
    return live.length;
  }

  async now(): Promise<Date> {
    return this.#clock.now();
  }

  async insert(record: ComputeRecord, event: NewEvent, limits: Limits): Promise<ComputeRecord | undefined> {
    const namespace = this.#namespace(record.namespace);
    const key = record.idempotencyKey;
    const existing = key === null ? undefined : namespace.byIdempotencyKey.get(key);
    if (existing !== undefined) return copy(existing);
    refuseTakenSlot(namespace, record);
    if (isLimited(limits)) this.#checkLimits(namespace, record, limits);
    if (namespace.records.has(record.id) || namespace.byName.has(record.name)) throw taken(record);
    this.#data.requireOwnership(this.#deployment);
    this.#data.deployment ??= this.#deployment;
    this.#write(namespace, record, event);
    return undefined;
  }

  async get(namespace: string, id: string): Promise<Snapshot | undefined> {
    return this.#snapshot(this.#namespace(namespace).records.get(id));
  }

  async getByTokenHash(
    namespace: string,
    hash: string,
    kind: TokenHash["kind"],
  ): Promise<Snapshot | undefined> {
    const holders = this.#namespace(namespace).withToken(hash, kind);
    const now = this.#clock.now();
    return this.#snapshot(holders.find((record) => accepts(record, hash, kind, now)));
  }

  async getByIdempotencyKey(namespace: string, key: string): Promise<Snapshot | undefined> {
    return this.#snapshot(this.#namespace(namespace).byIdempotencyKey.get(key));
  }

  async getBySlot(key: SlotKey): Promise<Snapshot | undefined> {
    return this.#snapshot(this.#namespace(key.namespace).holderOf(key));
  }

  async replace(
    record: ComputeRecord,
    event: NewEvent | undefined,
    { limits = {}, spent = [] }: Replacing = {},
  ): Promise<boolean> {
    const namespace = this.#namespace(record.namespace);
    if (namespace.records.get(record.id)?.version !== record.version - 1) return false;
    refuseTakenSlot(namespace, record);
    if (isLimited(limits)) this.#checkLimits(namespace, record, limits);
    this.#data.requireOwnership(this.#deployment);
    this.#write(namespace, record, event);
    namespace.ledger.add(record, spent);
    return true;
  }

  async list(filter: RecordFilter, page: Page): Promise<readonly ComputeRecord[]> {
    return copy(this.#namespace(filter.namespace).list(filter, page));
  }

  async claimDue(claim: Claim): Promise<readonly Snapshot[]> {
    this.#data.requireOwnership(this.#deployment);
    const namespace = this.#namespace(claim.namespace);
    const now = this.#clock.now();
    const leaseUntil = new Date(now.getTime() + claim.leaseSeconds * 1000);
    return namespace.claimable(now, claim.limit).map((free) => {
      const record = { ...free, lease: claim.lease, leaseUntil, version: free.version + 1 };
      namespace.put(copy(record));
      return copy({ record, now });
    });
  }

  async costs(query: CostQuery): Promise<readonly CostSum[]> {
    const namespace = this.#namespace(query.namespace);
    return namespace.ledger.costs(query, namespace.live(), this.#clock.now());
  }

  async forget(old: Forgetting): ReturnType<Store["forget"]> {
    this.#data.requireOwnership(this.#deployment);
    return this.#namespace(old.namespace).forgetOld(old);
  }

  async remember(note: Note): Promise<string> {
    this.#data.requireOwnership(this.#deployment);
    return this.#data.notes.remember(note, this.#clock.now());
  }

  async totals(query: TotalsQuery): Promise<readonly Total[]> {
    return totalsOf(this.#namespace(query.filter.namespace).matching(query.filter), query, this.#clock.now());
  }

  async claimCursor(claim: CursorClaim): Promise<Cursor | undefined> {
    this.#data.requireOwnership(this.#deployment);
    const { cursors, lastBefore } = this.#namespace(claim.namespace);
    return cursors.claim(claim, this.#clock.now(), lastBefore);
  }

  async moveCursor(move: CursorMove): Promise<boolean> {
    this.#data.requireOwnership(this.#deployment);
    return this.#namespace(move.namespace).cursors.move(move, this.#clock.now());
  }

  async events(filter: EventFilter, limit: number): Promise<readonly ComputeEvent[]> {
    return copy(this.#namespace(filter.namespace).events(filter, eventPosition(filter.after), limit));
  }

  async insertTenant(tenant: TenantRecord): Promise<boolean> {
    const { namespace, id, name } = tenant;
    const isTaken = this.#data.tenants.find(namespace, (other) => other.id === id || other.name === name);
    if (isTaken === undefined) this.#data.tenants.put(copy(tenant));
    return isTaken === undefined;
  }

  async getTenant(namespace: string, id: string): Promise<TenantSnapshot | undefined> {
    return this.#tenantSnapshot(this.#data.tenants.get(namespace, id));
  }

  async getTenantByName(namespace: string, name: string): Promise<TenantSnapshot | undefined> {
    return this.#tenantSnapshot(this.#data.tenants.find(namespace, (tenant) => tenant.name === name));
  }

  async getTenantByHash(namespace: string, hash: string): Promise<TenantSnapshot | undefined> {
    const now = this.#clock.now();
    return this.#tenantSnapshot(this.#data.tenants.find(namespace, (tenant) => belongsTo(tenant, hash, now)));
  }

  async replaceTenant(tenant: TenantRecord): Promise<boolean> {
    const isPrevious = this.#data.tenants.get(tenant.namespace, tenant.id)?.version === tenant.version - 1;
    if (isPrevious) this.#data.tenants.put(copy(tenant));
    return isPrevious;
  }

  async listTenants(namespace: string): Promise<readonly TenantRecord[]> {
    return copy(this.#data.tenants.list(namespace));
  }

  async namespaceOfToken(hash: string): Promise<string | undefined> {
    return [...this.#data.namespaces].find(([, namespace]) => namespace.hasToken(hash))?.[0];
  }

  async watch(onChange: (computeId: string) => void): Promise<AsyncDisposable> {
    const watcher = (computeId: string): void => onChange(computeId);
    this.#data.watchers.add(watcher);
    return {
      [Symbol.asyncDispose]: async () => {
        this.#data.watchers.delete(watcher);
      },
    };
  }

  async close(): Promise<void> {
    this.#data.watchers.clear();
  }

  #checkLimits(namespace: MemoryNamespace, record: ComputeRecord, limits: Limits): void {
    checkLimits(record, namespace.usageBeside(record, limits, this.#clock.now()), limits);
  }

  #namespace(name: string): MemoryNamespace {
    const namespace = this.#data.namespaces.get(name) ?? new MemoryNamespace();
    this.#data.namespaces.set(name, namespace);
    return namespace;
  }

  #snapshot(record: ComputeRecord | undefined): Snapshot | undefined {
    return record === undefined ? undefined : { record: copy(record), now: this.#clock.now() };
  }

  #tenantSnapshot(tenant: TenantRecord | undefined): TenantSnapshot | undefined {
    return tenant === undefined ? undefined : { tenant: copy(tenant), now: this.#clock.now() };
  }

  #write(namespace: MemoryNamespace, record: ComputeRecord, event: NewEvent | undefined): void {
    namespace.put(copy(record));
    if (event === undefined) return;
    this.#data.lastEvent += 1;
    namespace.addEvent({
      ...copy(event),
      id: String(this.#data.lastEvent),
      computeId: record.id,
      at: this.#clock.now(),
    });
    queueMicrotask(() => {
      for (const watcher of this.#data.watchers) watcher(record.id);
    });
  }
}

/** @throws CONFLICT when another live compute holds the record's slot */
function refuseTakenSlot(namespace: MemoryNamespace, record: ComputeRecord): void {
  const key = slotKeyOf(record);
  const holder = key && namespace.holderOf(key);
  if (holder !== undefined && holder.id !== record.id) throw slotTaken(record, holder.id);
}
