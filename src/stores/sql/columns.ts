/** The mapping between fields and columns, for every store that speaks SQL. */

import type { ComputeEvent, ComputeRecord, NewEvent } from "../../store.ts";
import type { TenantRecord } from "../../tenant-store.ts";

/** The kind of value in a column. */
export type Kind = "text" | "integer" | "real" | "time" | "json" | "tokens";

/** A column, and the kind of its values. */
export interface Column {
  readonly name: string;
  readonly kind: Kind;
}

/** The columns of a table, by field. */
export type Columns<Fields> = Readonly<Record<keyof Fields, Column>>;

/** A value that a statement can bind. Each store converts a `Date` for its driver. */
export type Value = string | number | Date | null;

/** Values by their names in a statement. */
export type Values = Readonly<Record<string, Value>>;

/** A row, its columns by name. */
export type Row = Readonly<Record<string, unknown>>;

/** Reads the value of a column, as a database gives it. */
export type Decoder = (kind: Kind, value: unknown) => unknown;

const text = (name: string): Column => ({ name, kind: "text" });
const integer = (name: string): Column => ({ name, kind: "integer" });
const real = (name: string): Column => ({ name, kind: "real" });
const time = (name: string): Column => ({ name, kind: "time" });
const json = (name: string): Column => ({ name, kind: "json" });

/** The table of computes. */
export const recordColumns: Columns<ComputeRecord> = {
  namespace: text("namespace"),
  id: text("id"),
  name: text("name"),
  version: integer("version"),
  provider: text("provider"),
  providerId: text("provider_id"),
  status: text("status"),
  reason: text("reason"),
  userId: text("user_id"),
  slot: text("slot"),
  tenantId: text("tenant_id"),
  gpu: text("gpu"),
  gpuCount: integer("gpu_count"),
  region: text("region"),
  ports: json("ports"),
  authSchemes: json("auth_schemes"),
  generation: integer("generation"),
  signingKeyId: text("signing_key_id"),
  tokens: { name: "tokens", kind: "tokens" },
  metadata: json("metadata"),
  idempotencyKey: text("idempotency_key"),
  requestHash: text("request_hash"),
  costPerHour: real("cost_per_hour"),
  costBefore: real("cost_before"),
  costSince: time("cost_since"),
  settledAt: time("settled_at"),
  idleTimeoutSeconds: real("idle_timeout_seconds"),
  maxLifetimeSeconds: real("max_lifetime_seconds"),
  maxExtendedLifetimeSeconds: real("max_extended_lifetime_seconds"),
  bootTimeoutSeconds: real("boot_timeout_seconds"),
  warnBeforeEndSeconds: real("warn_before_end_seconds"),
  createdAt: time("created_at"),
  updatedAt: time("updated_at"),
  lastActiveAt: time("last_active_at"),
  placedAt: time("placed_at"),
  endedAt: time("ended_at"),
  absentSince: time("absent_since"),
  actedAt: time("acted_at"),
  answeredAt: time("answered_at"),
  lookedAt: time("looked_at"),
  looks: integer("looks"),
  warnedEnd: time("warned_end"),
  bootDeadline: time("boot_deadline"),
  idleDeadline: time("idle_deadline"),
  lifetimeDeadline: time("lifetime_deadline"),
  budgetDeadline: time("budget_deadline"),
  checkAt: time("check_at"),
  dueAt: time("due_at"),
  lease: text("lease"),
  leaseUntil: time("lease_until"),
  attempts: integer("attempts"),
  lastError: text("last_error"),
  reports: json("reports"),
};

/** The columns of a new event, in the table of events. */
export const newEventColumns: Columns<NewEvent> = {
  type: text("type"),
  status: text("status"),
  reason: text("reason"),
  costSoFar: real("cost_so_far"),
  data: json("data"),
};

/** The table of events. */
const eventColumns: Columns<ComputeEvent> = {
  ...newEventColumns,
  id: integer("id"),
  computeId: text("compute_id"),
  at: time("at"),
};

/** The table of tenants. */
export const tenantColumns: Columns<TenantRecord> = {
  namespace: text("namespace"),
  id: text("id"),
  name: text("name"),
  version: integer("version"),
  credentials: { name: "credentials", kind: "tokens" },
  providerKeys: json("provider_keys"),
  createdAt: time("created_at"),
  lastUsedAt: time("last_used_at"),
};

/** Encodes a record by column. */
export function recordValues(record: ComputeRecord): Values {
  return toValues(recordColumns, record);
}

/** The fields that differ from the record before; every field without one. A field that no step has set again is the same object in both. */
export function changedFields(record: ComputeRecord, before?: ComputeRecord): Partial<ComputeRecord> {
  if (before === undefined) return record;
  const entries = Object.entries(record);
  return Object.fromEntries(entries.filter(([field, value]) => value !== Reflect.get(before, field)));
}

/** The columns of some fields of a record. */
export function columnsOf(fields: Partial<ComputeRecord>): readonly Column[] {
  return Object.entries(recordColumns).flatMap(([field, column]) => (field in fields ? [column] : []));
}

/** Encodes some fields of a record by column, and those that every statement names. */
export function changedValues(
  { namespace, id, version }: ComputeRecord,
  fields: Partial<ComputeRecord>,
): Values {
  const given = { namespace, id, version, ...fields };
  const entries = Object.entries(recordColumns).filter(([field]) => field in given);
  return toValues(Object.fromEntries(entries), given);
}

/** Encodes a new event by column. */
export function newEventValues(event: NewEvent): Values {
  return toValues(newEventColumns, event);
}

/** Reads a record from a row. */
export function toRecord(row: Row, decode: Decoder = decodeColumn): ComputeRecord {
  return fromRow(recordColumns, row, decode) as ComputeRecord;
}

/** Reads an event from a row. */
export function toEvent(row: Row, decode: Decoder = decodeColumn): ComputeEvent {
  const event = fromRow(eventColumns, row, decode) as ComputeEvent;
  return { ...event, id: String(event.id) };
}

/** Encodes a tenant by column. */
export function tenantValues(tenant: TenantRecord): Values {
  return toValues(tenantColumns, tenant);
}

/** Reads a tenant from a row. */
export function toTenant(row: Row, decode: Decoder = decodeColumn): TenantRecord {
  return fromRow(tenantColumns, row, decode) as TenantRecord;
}

/** Replaces the characters that some database cannot store: lone surrogates and NUL. */
export function storable(value: string): string {
  return value.toWellFormed().replaceAll("\0", "\uFFFD");
}

/** Reads a time from a database: milliseconds since 1970. */
export function toDate(value: unknown): Date {
  return new Date(Number(value));
}

function toValues(columns: Readonly<Record<string, Column>>, fields: object): Values {
  const values: Record<string, Value> = {};
  for (const [field, { name, kind }] of Object.entries(columns))
    values[name] = encode(kind, Reflect.get(fields, field));
  return values;
}

function fromRow(columns: Readonly<Record<string, Column>>, row: Row, decode: Decoder): unknown {
  const fields: Record<string, unknown> = {};
  for (const [field, { name, kind }] of Object.entries(columns)) fields[field] = decode(kind, row[name]);
  return fields;
}

function encode(kind: Kind, value: unknown): Value {
  if (value === null || value === undefined) return null;
  if (kind === "json" || kind === "tokens") return JSON.stringify(value);
  if (kind === "text") return String(value);
  return value instanceof Date ? value : Number(value);
}

/** Reads a value of a column of its own: a time is milliseconds, JSON is text. */
export function decodeColumn(kind: Kind, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (kind === "json") return JSON.parse(String(value));
  if (kind === "tokens") return JSON.parse(String(value), reviveExpiry);
  if (kind === "text") return String(value);
  return kind === "time" ? toDate(value) : Number(value);
}

function reviveExpiry(key: string, value: unknown): unknown {
  return key === "expiresAt" && typeof value === "string" ? new Date(value) : value;
}
