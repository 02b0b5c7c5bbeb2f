/** The ledger of costs. */
import {
  type ComputeRecord,
  type CostQuery,
  type CostSum,
  type DaySpending,
  dayOf,
  firstOfMonth,
  type MonthCosts,
  startOf,
} from "../../store.ts";
import {
  addToSumSql,
  costsSql,
  costsValues,
  type LedgerDialect,
  ledgerColumnsSql,
  spentValues,
  toCostSum,
} from "../sql/ledger.ts";
import { isLiveSql } from "../sql/statements.ts";
import type { SqliteDatabase } from "./database.ts";

const dialect: LedgerDialect = {
  seconds: (from, to) => `(max(0, ${to} - ${from}) / 1000.0)`,
  later: (left, right) => `max(${left}, ${right})`,
  earlier: (left, right) => `min(${left}, ${right})`,
  now: ":now",
  time: (name) => `:${name}`,
};

/** See `Store.costs`. */
export async function costs(database: SqliteDatabase, query: CostQuery): Promise<readonly CostSum[]> {
  const sql = costsSql(database.names, query.by, dialect);
  const rows = await database.run("sum costs", () =>
    database.all(sql, { ...costsValues(query), now: database.now() }),
  );
  return rows.map(toCostSum);
}

/** Adds settled costs to the ledger. The caller holds a transaction. */
export function settle(database: SqliteDatabase, record: ComputeRecord, spent: readonly DaySpending[]): void {
  if (spent.length === 0) return;
  database.change(
    `insert into ${database.names.ledger} as l (${ledgerColumnsSql})
     select :namespace, value ->> 'day', :spent_tenant, :spent_user, :spent_provider, :spent_gpu,
       value ->> 'cost', value ->> 'seconds', value ->> 'computes'
     from json_each(:spent) where true ${addToSumSql("l")}`,
    { namespace: record.namespace, ...spentValues(record, spent) },
  );
}

/** Reads the costs since the first of the month. */
export function monthCosts(
  database: SqliteDatabase,
  { namespace, userId }: Pick<ComputeRecord, "namespace" | "userId">,
): MonthCosts {
  const { ledger, computes } = database.names;
  const now = database.now();
  const first = firstOfMonth(now);
  const row = database.first(
    `select coalesce(sum(cost), 0) as month_cost, coalesce(sum(cost) filter (where user_id = :user_id), 0) as user_month_cost from (
       select user_id, cost from ${ledger} where namespace = :namespace and day >= :first and day <= :last
       union all
       select user_id, ${dialect.seconds("max(cost_since, :begin)", ":now")} / 3600 * cost_per_hour
       from ${computes} where namespace = :namespace and ${isLiveSql} and cost_since is not null
     )`,
    { namespace, user_id: userId, first, last: dayOf(now), begin: startOf(first), now },
  );
  return { monthCost: Number(row?.month_cost), userMonthCost: Number(row?.user_month_cost) };
}
