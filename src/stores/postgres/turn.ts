/** Turns of the writers of a namespace, and the limits that a writer checks in its turn. */
import { type ComputeRecord, isMonthLimited, type Limits, slotKeyOf, type Usage } from "../../store.ts";
import type { Row, Values } from "../sql/columns.ts";
import { isLimited } from "../sql/rules.ts";
import { nowSql, type PostgresDatabase } from "./database.ts";

interface LimitSql {
  readonly limit: keyof Limits;
  /** The condition that a record keeps the limit, which is the named value. */
  readonly within: (allowed: string) => string;
  /** True when it applies only to records with a user. */
  readonly ofUser: boolean;
}

const upTo =
  (total: string): LimitSql["within"] =>
  (allowed) =>
    `${total} <= ${allowed} + 1e-9::double precision`;

const below =
  (spent: string): LimitSql["within"] =>
  (allowed) =>
    `${spent} < ${allowed} - 1e-9::double precision`;

const OWN_COST = "coalesce(:cost_per_hour::double precision, 0)";

/** `checkLimits` of the contract, in SQL. */
const limitSqls: readonly LimitSql[] = [
  { limit: "computesPerUser", within: upTo("turn.user_computes + 1"), ofUser: true },
  { limit: "computes", within: upTo("turn.live_computes + 1"), ofUser: false },
  { limit: "costPerHourPerUser", within: upTo(`turn.user_cost + ${OWN_COST}`), ofUser: true },
  { limit: "costPerHour", within: upTo(`turn.live_cost + ${OWN_COST}`), ofUser: false },
  { limit: "costPerMonthPerUser", within: below("turn.user_month_cost"), ofUser: true },
  { limit: "costPerMonth", within: below("turn.month_cost"), ofUser: false },
];

/** Writes the wait for a turn; see the migrations that created the functions. */
export function turnSql({ names }: PostgresDatabase, limits: Limits): string {
  const month = isMonthLimited(limits)
    ? `cross join lateral ${names.qualified("month_costs")}(:namespace, :user_id, ${nowSql}, own.live_computes) month`
    : "cross join (select 0::double precision as month_cost, 0::double precision as user_month_cost) month";
  return `turn as materialized (
    select own.*, month.*
    from ${names.qualified("turn")}(:namespace, :id, :tenant_id, :user_id, :slot, ${isLimited(limits)}) own
    ${month}
  )`;
}

/** Writes the wait for the turn of a writer that no limit and no slot can stop: its event only has to follow the events before it. */
export function eventTurnSql({ names }: PostgresDatabase): string {
  return `turn as materialized (select from ${names.qualified("turn")}(:namespace, :id, null, false))`;
}

/** The columns of a turn, for {@link toUsage} and {@link holderOf}. */
export const usageSql: string = `turn.live_computes::text, turn.live_cost::text, turn.user_computes::text, turn.user_cost::text,
  turn.month_cost::text, turn.user_month_cost::text, turn.slot_holder`;

/** The id of the other live compute that holds the slot of the record; `undefined` when the record holds none or has it for itself. */
export function holderOf(record: ComputeRecord, row: Row | undefined): string | undefined {
  const holder = row?.slot_holder;
  return slotKeyOf(record) === undefined || typeof holder !== "string" ? undefined : holder;
}

/** Reads the usage from a row that selected {@link usageSql}. */
export function toUsage(row: Row | undefined): Usage {
  return {
    computes: Number(row?.live_computes),
    costPerHour: Number(row?.live_cost),
    userComputes: Number(row?.user_computes),
    userCostPerHour: Number(row?.user_cost),
    monthCost: Number(row?.month_cost),
    userMonthCost: Number(row?.user_month_cost),
  };
}

/** Writes the condition that the record's slot is free, and that the record stays within the limits that are set. */
export function withinSql(record: ComputeRecord, limits: Limits): string {
  const free = slotKeyOf(record) === undefined ? [] : ["turn.slot_holder is null"];
  const conditions = limitSqls
    .filter(({ limit, ofUser }) => limits[limit] !== undefined && !(ofUser && record.userId === null))
    .map(({ limit, within }) => within(`:${limit}::double precision`));
  return ["true", ...free, ...conditions].join(" and ");
}

/** The values that {@link withinSql} names. */
export function limitParameters(limits: Limits): Values {
  return Object.fromEntries(Object.entries(limits));
}
