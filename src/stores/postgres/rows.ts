/**
 * Whole rows, read as one JSON text each. Forty columns as texts of their own take twice as long as an indexed read by hand, one JSON as long; and
 * every driver gives a text as it came, while each decodes numbers, times and JSON in its own way.
 */
import type { ComputeEvent, ComputeRecord } from "../../store.ts";
import type { TenantRecord } from "../../tenant-store.ts";
import { type Decoder, decodeColumn, type Row, toDate, toEvent, toRecord, toTenant } from "../sql/columns.ts";
import { millisecondsSql, nowSql } from "./database.ts";

/** Selects the rows of a table, for {@link readRecord} and its like. */
export function rowSql(table: string): string {
  return `row_to_json(${table})::text as whole`;
}

/** Selects the time of the statement, for {@link readNow}. */
export const nowColumnSql: string = `${millisecondsSql(nowSql)} as now`;

/** Reads the time from a row that selected {@link nowColumnSql}. */
export function readNow(row: Row | undefined): Date {
  return toDate(row?.now);
}

/** Reads a record from a row that selected {@link rowSql}. */
export function readRecord(row: Row): ComputeRecord {
  return toRecord(parsed(row), decodeJson);
}

/** Reads an event from a row that selected {@link rowSql}. */
export function readEvent(row: Row): ComputeEvent {
  return toEvent(parsed(row), decodeJson);
}

/** Reads a tenant from a row that selected {@link rowSql}. */
export function readTenant(row: Row): TenantRecord {
  return toTenant(parsed(row), decodeJson);
}

function parsed({ whole }: Row): Row {
  return Object(decodeColumn("json", whole));
}

/** PostgreSQL writes a time in ISO 8601, and JSON inside a row as it is stored. */
const decodeJson: Decoder = (kind, value) => {
  if (value === null || value === undefined || kind === "json") return value ?? null;
  if (kind === "time") return new Date(String(value));
  return decodeColumn(kind, kind === "tokens" ? JSON.stringify(value) : value);
};
