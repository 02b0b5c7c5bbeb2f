/**
 * The end of a month's budget. Each pass of the reaper foresees when `limits.costPerMonth` and `limits.costPerMonthPerUser` will be spent, and gives the computes
 * that spend them a deadline. From there on it is a planned end like any other: with a warning, and under a lease.
 */
import {
  type ComputeRecord,
  type CostSum,
  dayOf,
  firstOfMonth,
  isMonthLimited,
  type Limits,
  liveStatuses,
} from "../../store.ts";
import type { Context } from "../context.ts";
import { messageOf } from "../failures.ts";
import { changeRecord } from "../record/change.ts";
import { hasBegunToEnd } from "../record/facts.ts";
import { after, earliest } from "../record/time.ts";

/** The time before the end of a budget in which its computes get their deadline, beside the time of their warning. Passes are closer together. */
const AHEAD_SECONDS = 600;

/** A forecast that moves by less leaves a deadline where it is, so that it has one warning. */
export const SLACK_SECONDS = 60;

/** The longest time of a warning that a request may ask for. */
const MAX_WARNING_SECONDS = 86_400;

const PAGE_SIZE = 500;

/** The times at which budgets will be spent: a user's own, which the namespace's is a part of. `null` is a compute without a user. */
interface Forecast {
  readonly now: Date;
  readonly ends: ReadonlyMap<string | null, Date>;
}

/** Foresees the ends of the budgets, and writes the deadlines that follow. Does nothing without a limit on a month. */
export async function planBudgetEnds(context: Context): Promise<void> {
  if (!isMonthLimited(context.limits)) return;
  try {
    const { now, ends } = await foresee(context);
    for (const [userId, end] of ends)
      if (end <= after(now, MAX_WARNING_SECONDS + AHEAD_SECONDS))
        for await (const record of spenders(context, userId))
          if (isNear(record, end, now)) await plan(context, record, end);
  } catch (error) {
    context.logger.error("the ends of budgets could not be planned; the next pass tries again", {
      error: messageOf(error),
    });
  }
}

/** The time at which the budget that this compute spends ends, as it is foreseen now; null when that is not near. */
export async function budgetEndOf(context: Context, record: ComputeRecord): Promise<Date | null> {
  if (!isMonthLimited(context.limits)) return null;
  const { now, ends } = await foresee(context);
  const end = ends.get(record.userId);
  return end !== undefined && isNear(record, end, now) ? end : null;
}

async function foresee({ store, namespace, limits }: Context): Promise<Forecast> {
  const now = await store.now();
  const from = firstOfMonth(now);
  const sums = await store.costs({ namespace, by: "user", from, to: dayOf(now) });
  return { now, ends: endsOf(sums, limits, now) };
}

/** The end of the budget of each user with a running cost, by user. Pure. */
function endsOf(
  sums: readonly CostSum[],
  { costPerMonth, costPerMonthPerUser }: Limits,
  now: Date,
): ReadonlyMap<string | null, Date> {
  const total = (name: "cost" | "costPerHour"): number => sums.reduce((sum, one) => sum + one[name], 0);
  const ofAll = endAt(costPerMonth, total("cost"), total("costPerHour"), now);
  const ends = new Map<string | null, Date>();
  for (const { key, cost, costPerHour } of sums) {
    if (costPerHour === 0) continue;
    const own = key === null ? null : endAt(costPerMonthPerUser, cost, costPerHour, now);
    const end = earliest(own, ofAll);
    if (end !== null) ends.set(key, end);
  }
  return ends;
}

/** The time at which the rest is spent; null where there is no limit, or the next month begins before. */
function endAt(allowed: number | undefined, spent: number, costPerHour: number, now: Date): Date | null {
  if (allowed === undefined || costPerHour === 0) return null;
  const end = now.getTime() + (Math.max(0, allowed - spent) / costPerHour) * 3_600_000;
  return end < nextMonth(now).getTime() ? new Date(Math.ceil(end)) : null;
}

function nextMonth(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
}

function isNear({ warnBeforeEndSeconds }: ComputeRecord, end: Date, now: Date): boolean {
  return end <= after(now, warnBeforeEndSeconds + AHEAD_SECONDS);
}

/** The live computes of a user that cost money now. */
async function* spenders(
  { store, namespace }: Context,
  userId: string | null,
): AsyncGenerator<ComputeRecord, void, undefined> {
  const filter = { namespace, statuses: liveStatuses, ...(userId !== null && { userId }) };
  let page: readonly ComputeRecord[] = [];
  do {
    const last = page.at(-1);
    page = await store.list(filter, { limit: PAGE_SIZE, ...(last && { after: last }) });
    yield* page.filter((record) => record.userId === userId && record.costSince !== null);
  } while (page.length === PAGE_SIZE);
}

async function plan(context: Context, { id }: ComputeRecord, end: Date): Promise<void> {
  await changeRecord(context, id, (record, now) => {
    const budgetDeadline = budgetDeadlineOf(record, end, now);
    return budgetDeadline === record.budgetDeadline ? undefined : { patch: { budgetDeadline } };
  });
}

/**
 * The deadline of a compute whose budget ends then: never so soon that its warning would come late. A deadline that hardly moves stays as it is. Pure.
 */
export function budgetDeadlineOf(record: ComputeRecord, end: Date, now: Date): Date | null {
  const { status, costSince, costPerHour, warnBeforeEndSeconds, budgetDeadline } = record;
  if (hasBegunToEnd(status) || costSince === null || (costPerHour ?? 0) === 0) return budgetDeadline;
  const warned = after(now, warnBeforeEndSeconds);
  const wanted = end > warned ? end : warned;
  if (budgetDeadline === null) return wanted;
  const movedSeconds = (wanted.getTime() - budgetDeadline.getTime()) / 1000;
  if (movedSeconds > SLACK_SECONDS && end > after(budgetDeadline, SLACK_SECONDS)) return wanted;
  return movedSeconds < -SLACK_SECONDS ? wanted : budgetDeadline;
}
