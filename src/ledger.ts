/**
 * The ledger of costs: sums of each UTC day, which stay when records are deleted. A cost is in one place at a time: while it runs, in its live
 * record (`costPerHour` since `costSince`); once it is settled, in the ledger, in the step that ends its run.
 */
import type { ComputeRecord } from "./compute-record.ts";

/** The days for which a ledger keeps sums. */
export const LEDGER_DAYS = 400;

/** The part of a compute's cost that falls on one day. */
export interface DaySpending {
  /** A UTC day, as `2026-11-28`. */
  readonly day: string;
  /** US dollars. */
  readonly cost: number;
  /** Seconds for which it cost. */
  readonly seconds: number;
  /** 1 on the day on which the compute began to cost, else 0. */
  readonly computes: number;
}

/** The fields by which costs can be summed. */
export type CostKey = "user" | "provider" | "gpu";

/** A question for costs: all of a namespace from one day to another, both included. */
export interface CostQuery {
  readonly namespace: string;
  readonly by: CostKey;
  /** UTC days, as `2026-11-28`. */
  readonly from: string;
  readonly to: string;
}

/** The costs under one key. */
export interface CostSum {
  /** A user's id, a provider's name or a GPU; null for the computes that have none. */
  readonly key: string | null;
  /** US dollars. */
  readonly cost: number;
  /** Seconds for which the computes cost, together. */
  readonly seconds: number;
  /** The computes that began to cost in the time. */
  readonly computes: number;
  /** US dollars per hour that the computes cost now. */
  readonly costPerHour: number;
}

/** Costs since the first of the month. */
export interface MonthCosts {
  readonly monthCost: number;
  /** Of one user; 0 without a user. */
  readonly userMonthCost: number;
}

/** The costs of a stretch of time. */
interface Span {
  readonly cost: number;
  readonly seconds: number;
}

const DAY_MILLISECONDS = 86_400_000;
const HOUR_SECONDS = 3600;

/** The UTC day of a time. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

/** The first UTC day of a time's month. */
export function firstOfMonth(time: Date): string {
  return `${dayOf(time).slice(0, 7)}-01`;
}

/** The beginning of a UTC day. */
export function startOf(day: string): Date {
  return new Date(`${day}T00:00:00.000Z`);
}

/** The beginning of the UTC day after this one. */
export function endOf(day: string): Date {
  return new Date(startOf(day).getTime() + DAY_MILLISECONDS);
}

/** The cost of a record's present run between two times. A run without a price has seconds and no cost. */
export function runBetween(
  { costSince, costPerHour }: Pick<ComputeRecord, "costSince" | "costPerHour">,
  from: Date,
  to: Date,
): Span {
  if (costSince === null) return { cost: 0, seconds: 0 };
  const begin = Math.max(costSince.getTime(), from.getTime());
  const seconds = Math.max(0, to.getTime() - begin) / 1000;
  return { cost: (seconds / HOUR_SECONDS) * (costPerHour ?? 0), seconds };
}

/** Divides the present run of a record, up to a time, among its days, of which the ledger takes the last {@link LEDGER_DAYS}. */
export function settledDays(record: ComputeRecord, until: Date): readonly DaySpending[] {
  const { costSince, settledAt } = record;
  if (costSince === null) return [];
  const oldest = until.getTime() - LEDGER_DAYS * DAY_MILLISECONDS;
  const days: DaySpending[] = [];
  let begin = new Date(Math.max(costSince.getTime(), oldest));
  do {
    const day = dayOf(begin);
    const end = new Date(Math.max(begin.getTime(), Math.min(endOf(day).getTime(), until.getTime())));
    const computes = settledAt === null && days.length === 0 ? 1 : 0;
    days.push({ day, ...runBetween(record, begin, end), computes });
    begin = end;
  } while (begin < until);
  return days;
}
