/** The ledger of costs. */
import type { ComputeRecord, CostQuery, CostSum, DaySpending } from "../../store.ts";
import type { Values } from "../sql/columns.ts";
import {
  addToSumSql,
  costsSql,
  costsValues,
  type LedgerDialect,
  ledgerColumnsSql,
  spentValues,
  toCostSum,
} from "../sql/ledger.ts";
import { nowSql, type PostgresDatabase } from "./database.ts";

const dialect: LedgerDialect = {
  seconds: (from, to) => `greatest(0, date_part('epoch', ${to} - ${from}))`,
  later: (left, right) => `greatest(${left}, ${right})`,
  earlier: (left, right) => `least(${left}, ${right})`,
  now: nowSql,
  time: (name) => `:${name}::timestamptz`,
};

/** See `Store.costs`. */
export async function costs(database: PostgresDatabase, query: CostQuery): Promise<readonly CostSum[]> {
  const rows = await database.query(
    "sum costs",
    `select key, cost::text, seconds::text, computes::text, price::text from (
      ${costsSql(database.names, query.by, dialect)}
    ) sums`,
    costsValues(query),
  );
  return rows.map(toCostSum);
}

/** Adds settled costs to the ledger, as a part of a statement behind a part `written`. Its values are {@link spentParameters}. */
export function spentSql({ names }: PostgresDatabase, spent: readonly DaySpending[]): string {
  if (spent.length === 0) return "";
  return `, settled as (
      insert into ${names.ledger} as l (${ledgerColumnsSql})
      select w.namespace, s.day, :spent_tenant::text, :spent_user::text, :spent_provider::text, :spent_gpu::text, s.cost, s.seconds, s.computes
      from written w cross join json_to_recordset(:spent::json)
        as s (day text, cost double precision, seconds double precision, computes integer)
      ${addToSumSql("l")}
    )`;
}

/** The values that {@link spentSql} names. */
export function spentParameters(record: ComputeRecord, spent: readonly DaySpending[]): Values {
  return spent.length === 0 ? {} : spentValues(record, spent);
}
