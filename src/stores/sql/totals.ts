/** Totals of records, added up by the database. */
import type { Total, TotalsQuery } from "../../store.ts";
import { type Row, recordColumns, toDate } from "./columns.ts";
import { type Dialect, type Part, whereSql } from "./statements.ts";

/** The expressions about times that each database spells in its own way. */
export interface TimeSql {
  /** The hours from the time in a column to the store's now, never less than 0; null without a time. */
  hoursSince(column: string): string;
  /** A time as milliseconds since 1970. */
  milliseconds(time: string): string;
}

/** Writes the statement of `Store.totals` on the table of computes. */
export function totalsSql(
  { filter, by, limit }: TotalsQuery,
  table: string,
  dialect: Dialect,
  time: TimeSql,
): Part {
  const { sql, values } = whereSql(filter, dialect);
  const keys = by.map((key) => recordColumns[key].name).join(", ");
  return {
    sql: `select ${keys}, count(*) as computes, coalesce(sum(cost_per_hour), 0) as total_per_hour,
        sum(cost_before + coalesce(cost_per_hour * ${time.hoursSince("cost_since")}, 0)) as total_so_far,
        ${time.milliseconds("min(due_at)")} as first_due
      from ${table} ${sql} group by ${keys}
      order by total_per_hour desc, computes desc limit :limit`,
    values: { ...values, limit },
  };
}

/** Reads a group from a row of {@link totalsSql}. */
export function readTotal({ by }: TotalsQuery, row: Row): Total {
  return {
    keys: by.map((key) => textOf(row[recordColumns[key].name])),
    computes: Number(row.computes),
    costPerHour: Number(row.total_per_hour),
    costSoFar: Number(row.total_so_far),
    dueAt: row.first_due === null ? null : toDate(row.first_due),
  };
}

function textOf(value: unknown): string | null {
  return value === null ? null : String(value);
}
