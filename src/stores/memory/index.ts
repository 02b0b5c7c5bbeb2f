/** A store in the memory of this process: for tests, and for applications that may lose all records when they end. */

import { type Clock, systemClock } from "../../clock.ts";
import { clockField } from "../../internal/option-fields.ts";
import { parseFields } from "../../internal/parse.ts";
import {
  type Claim,
  type ComputeEvent,
  type ComputeRecord,
  checkLimits,
  type Limits,
  type NewEvent,
  type Page,
  type RecordFilter,
  type SlotKey,
  type Snapshot,
  type Store,
  slotKeyOf,
  slotTaken,
  type TokenHash,
} from "../../store.ts";
import type { TenantRecord, TenantSnapshot, TenantStore } from "../../tenant-store.ts";
import { accepts, belongsTo, eventPosition, isLimited, taken } from "../sql/rules.ts";
import { MemoryNamespace } from "./namespace.ts";
import { MemoryTenants } from "./tenants.ts";

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
  return new MemoryStore(clock);
}

class MemoryStore implements Store, TenantStore {
  readonly name = "memory";
  readonly #clock: Clock;
  readonly #identity = crypto.randomUUID();
  readonly #namespaces = new Map<string, MemoryNamespace>();
  readonly #tenants = new MemoryTenants();
  readonly #watchers = new Set<() => void>();
  #lastEvent = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async identity(): Promise<string> {
    return this.#identity;
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
    if (isLimited(limits)) checkLimits(record, namespace.usageBeside(record), limits);
    if (namespace.records.has(record.id) || namespace.byName.has(record.name)) throw taken(record);
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

  async replace(record: ComputeRecord, event: NewEvent | undefined, limits: Limits = {}): Promise<boolean> {
    const namespace = this.#namespace(record.namespace);
    if (namespace.records.get(record.id)?.version !== record.version - 1) return false;
    refuseTakenSlot(namespace, record);
    if (isLimited(limits)) checkLimits(record, namespace.usageBeside(record), limits);
    this.#write(namespace, record, event);
    return true;
  }

  async list(filter: RecordFilter, page: Page): Promise<readonly ComputeRecord[]> {
    return copy(this.#namespace(filter.namespace).list(filter, page));
  }

  async claimDue(claim: Claim): Promise<readonly Snapshot[]> {
    const namespace = this.#namespace(claim.namespace);
    const now = this.#clock.now();
    const leaseUntil = new Date(now.getTime() + claim.leaseSeconds * 1000);
    return namespace.claimable(now, claim.limit).map((free) => {
      const record = { ...free, lease: claim.lease, leaseUntil, version: free.version + 1 };
      namespace.put(copy(record));
      return copy({ record, now });
    });
  }

  async events(
    filter: { readonly namespace: string; readonly computeId?: string; readonly after?: string },
    limit: number,
  ): Promise<readonly ComputeEvent[]> {
    const after = eventPosition(filter.after);
    return copy(this.#namespace(filter.namespace).events(filter.computeId, after, limit));
  }

  async insertTenant(tenant: TenantRecord): Promise<boolean> {
    const { namespace, id, name } = tenant;
    const isTaken = this.#tenants.find(namespace, (other) => other.id === id || other.name === name);
    if (isTaken === undefined) this.#tenants.put(copy(tenant));
    return isTaken === undefined;
  }

  async getTenant(namespace: string, id: string): Promise<TenantSnapshot | undefined> {
    return this.#tenantSnapshot(this.#tenants.get(namespace, id));
  }

  async getTenantByName(namespace: string, name: string): Promise<TenantSnapshot | undefined> {
    return this.#tenantSnapshot(this.#tenants.find(namespace, (tenant) => tenant.name === name));
  }

  async getTenantByHash(namespace: string, hash: string): Promise<TenantSnapshot | undefined> {
    const now = this.#clock.now();
    return this.#tenantSnapshot(this.#tenants.find(namespace, (tenant) => belongsTo(tenant, hash, now)));
  }

  async replaceTenant(tenant: TenantRecord): Promise<boolean> {
    const isPrevious = this.#tenants.get(tenant.namespace, tenant.id)?.version === tenant.version - 1;
    if (isPrevious) this.#tenants.put(copy(tenant));
    return isPrevious;
  }

  async listTenants(namespace: string): Promise<readonly TenantRecord[]> {
    return copy(this.#tenants.list(namespace));
  }

  async namespaceOfToken(hash: string): Promise<string | undefined> {
    return [...this.#namespaces].find(([, namespace]) => namespace.hasToken(hash))?.[0];
  }

  async watch(onChange: () => void): Promise<AsyncDisposable> {
    const watcher = (): void => onChange();
    this.#watchers.add(watcher);
    return {
      [Symbol.asyncDispose]: async () => {
        this.#watchers.delete(watcher);
      },
    };
  }

  async close(): Promise<void> {
    this.#watchers.clear();
  }

  #namespace(name: string): MemoryNamespace {
    const namespace = this.#namespaces.get(name) ?? new MemoryNamespace();
    this.#namespaces.set(name, namespace);
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
    this.#lastEvent += 1;
    namespace.addEvent({
      ...copy(event),
      id: String(this.#lastEvent),
      computeId: record.id,
      at: this.#clock.now(),
    });
    queueMicrotask(() => {
      for (const watcher of this.#watchers) watcher();
    });
  }
}

/** @throws CONFLICT when another live compute holds the record's slot */
function refuseTakenSlot(namespace: MemoryNamespace, record: ComputeRecord): void {
  const key = slotKeyOf(record);
  const holder = key && namespace.holderOf(key);
  if (holder !== undefined && holder.id !== record.id) throw slotTaken(record, holder.id);
}

/** Copies plain data and dates deeply, so that no caller holds a stored object. Faster than `structuredClone` on objects this small. */
function copy<Value>(value: Value): Value;
function copy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return new Date(value);
  if (Array.isArray(value)) return value.map((item: unknown) => copy(item));
  const copied: Record<string, unknown> = { ...value };
  for (const key of Object.keys(copied)) copied[key] = copy(copied[key]);
  return copied;
}
