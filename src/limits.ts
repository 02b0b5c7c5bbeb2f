/** The limits of an application, and their check, which is the same in every store. */
import type { ComputeRecord } from "./compute-record.ts";
import { AtlasError } from "./errors.ts";
import type { MonthCosts } from "./ledger.ts";

/** The limits of an application. Absent means no limit. */
export interface Limits {
  /** Live computes of one user. */
  readonly computesPerUser?: number;
  /** Live computes in the namespace. */
  readonly computes?: number;
  /** US dollars per hour of one user's live computes. */
  readonly costPerHourPerUser?: number;
  /** US dollars per hour of all live computes in the namespace. */
  readonly costPerHour?: number;
  /** US dollars that one user's computes may cost in a calendar month (UTC). */
  readonly costPerMonthPerUser?: number;
  /** US dollars that all computes in the namespace may cost in a calendar month (UTC). */
  readonly costPerMonth?: number;
}

/** The totals of the live computes beside the one being written, and the costs of the month, which need no reading where no limit names them. */
export interface Usage extends MonthCosts {
  readonly computes: number;
  readonly costPerHour: number;
  /** Of the same user; zeros when the record has no user. */
  readonly userComputes: number;
  readonly userCostPerHour: number;
}

/**
 * Refuses a record that would break a limit. `usage` is of the other live records, read in the transaction that writes this one.
 * A store that checks in SQL answers the same.
 * @throws LIMIT_EXCEEDED naming the limit, what it allows and what it would become.
 */
export function checkLimits(record: ComputeRecord, usage: Usage, limits: Limits): void {
  const cost = record.costPerHour ?? 0;
  const ofUser = record.userId !== null;
  const totals: readonly [keyof Limits, number, boolean][] = [
    ["computesPerUser", usage.userComputes + 1, ofUser],
    ["computes", usage.computes + 1, true],
    ["costPerHourPerUser", usage.userCostPerHour + cost, ofUser],
    ["costPerHour", usage.costPerHour + cost, true],
  ];
  for (const [limit, total, applies] of totals) {
    const allowed = limits[limit];
    if (applies && allowed !== undefined && total > allowed + 1e-9)
      throw limitExceeded(limit, allowed, total, record);
  }
  for (const [limit, spent, applies] of [
    ["costPerMonthPerUser", usage.userMonthCost, ofUser],
    ["costPerMonth", usage.monthCost, true],
  ] as const) {
    const allowed = limits[limit];
    if (applies && allowed !== undefined && isSpent(spent, allowed))
      throw budgetSpent(limit, allowed, spent, record);
  }
}

/** True when nothing is left of a month's budget. */
function isSpent(spent: number, allowed: number): boolean {
  return spent >= allowed - 1e-9;
}

/** True when the costs of a month are limited. */
export function isMonthLimited({ costPerMonth, costPerMonthPerUser }: Limits): boolean {
  return costPerMonth !== undefined || costPerMonthPerUser !== undefined;
}

const COST_LIMITS: ReadonlySet<unknown> = new Set<keyof Limits>(["costPerHour", "costPerHourPerUser"]);

/** True for an error of {@link checkLimits} about a limit on cost, which a cheaper candidate may keep. */
export function isCostLimit({ code, details }: AtlasError): boolean {
  return code === "LIMIT_EXCEEDED" && COST_LIMITS.has(details?.limit);
}

function limitExceeded(
  limit: keyof Limits,
  allowed: number,
  total: number,
  record: ComputeRecord,
): AtlasError {
  const whose = ownerOf(limit, record);
  const message = `${limit} is ${allowed}; this compute would bring ${whose} to ${total}: terminate a compute first, or raise the limit in createAtlas`;
  return new AtlasError("LIMIT_EXCEEDED", message, { details: { limit, allowed, total } });
}

function budgetSpent(limit: keyof Limits, allowed: number, spent: number, record: ComputeRecord): AtlasError {
  const message = `${limit} is ${allowed}; ${ownerOf(limit, record)} has spent ${Math.round(spent * 100) / 100} US dollars since the first of this month (UTC): wait for the next month, or raise the limit in createAtlas`;
  return new AtlasError("LIMIT_EXCEEDED", message, { details: { limit, allowed, spent } });
}

function ownerOf(limit: keyof Limits, { userId, namespace }: ComputeRecord): string {
  return limit.endsWith("PerUser") ? `user "${userId}"` : `namespace "${namespace}"`;
}
