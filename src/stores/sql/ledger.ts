/** The statements over the ledger of costs that SQLite and PostgreSQL have in common. */
import {
  type ComputeRecord,
  type CostKey,
  type CostQuery,
  type CostSum,
  type DaySpending,
  endOf,
  startOf,
} from "../../store.ts";
import type { Row, Values } from "./columns.ts";
import type { Names } from "./names.ts";
import { isLiveSql } from "./statements.ts";

/** The constructs of one database. */
export interface LedgerDialect {
  /** Seconds from one time to another; negative ones are none. */
  readonly seconds: (from: string, to: string) => string;
  /** The later and the earlier of two times. */
  readonly later: (left: string, right: string) => string;
  readonly earlier: (left: string, right: string) => string;
  readonly now: string;
  /** A named time. */
  readonly time: (name: string) => string;
}

const COLUMNS: Readonly<Record<CostKey, string>> = { user: "user_id", provider: "provider", gpu: "gpu" };

/** Writes the question of `Store.costs`. */
export function costsSql({ ledger, computes }: Names, by: CostKey, dialect: LedgerDialect): string {
  const column = COLUMNS[by];
  const { seconds, later, earlier, now, time } = dialect;
  const run = seconds(later("cost_since", time("begin")), earlier(now, time("until")));
  return `select key, sum(cost) as cost, sum(seconds) as seconds, sum(computes) as computes, sum(price) as price from (
      select ${column} as key, cost, seconds, computes, 0 as price
      from ${ledger} where namespace = :namespace and day >= :first and day <= :last
      union all
      select key, seconds / 3600 * price, seconds, begins, price from (
        select coalesce(${column}, '') as key, coalesce(cost_per_hour, 0) as price, ${run} as seconds,
          case when settled_at is null and cost_since >= ${time("begin")} and cost_since < ${time("until")} then 1 else 0 end as begins
        from ${computes} where namespace = :namespace and ${isLiveSql} and cost_since is not null
      ) runs
    ) parts group by key`;
}

/** The values that {@link costsSql} names. */
export function costsValues({ namespace, from, to }: CostQuery): Values {
  return { namespace, first: from, last: to, begin: startOf(from), until: endOf(to) };
}

/** Reads a row of {@link costsSql}. */
export function toCostSum({ key, cost, seconds, computes, price }: Row): CostSum {
  return {
    key: key === "" ? null : String(key),
    cost: Number(cost),
    seconds: Number(seconds),
    computes: Number(computes),
    costPerHour: Number(price),
  };
}

/** The values of the rows that the ledger takes from a record. */
export function spentValues(
  { tenantId, userId, provider, gpu }: ComputeRecord,
  spent: readonly DaySpending[],
): Values {
  return {
    spent: JSON.stringify(spent),
    spent_tenant: tenantId ?? "",
    spent_user: userId ?? "",
    spent_provider: provider,
    spent_gpu: gpu ?? "",
  };
}

/** The columns of the ledger. */
export const ledgerColumnsSql: string =
  "namespace, day, tenant_id, user_id, provider, gpu, cost, seconds, computes";

/** Adds to a sum that is there already; `ledger` is the table as the statement names it. */
export function addToSumSql(ledger: string): string {
  return `on conflict (namespace, day, tenant_id, user_id, provider, gpu) do update set
    cost = ${ledger}.cost + excluded.cost, seconds = ${ledger}.seconds + excluded.seconds, computes = ${ledger}.computes + excluded.computes`;
}
