/** Totals of records in memory. */
import { type ComputeRecord, costSoFar, type Total, type TotalsQuery } from "../../store.ts";

/** See `Store.totals`. */
export function totalsOf(
  records: readonly ComputeRecord[],
  { by, limit }: TotalsQuery,
  now: Date,
): readonly Total[] {
  const groups = Map.groupBy(records, (record) => JSON.stringify(by.map((key) => record[key])));
  return [...groups.values()]
    .map((group) => totalOf(group, by, now))
    .sort((left, right) => right.costPerHour - left.costPerHour || right.computes - left.computes)
    .slice(0, limit);
}

function totalOf(group: readonly ComputeRecord[], by: TotalsQuery["by"], now: Date): Total {
  const due = group.flatMap(({ dueAt }) => dueAt?.getTime() ?? []);
  return {
    keys: by.map((key) => group[0]?.[key] ?? null),
    computes: group.length,
    costPerHour: group.reduce((sum, { costPerHour }) => sum + (costPerHour ?? 0), 0),
    costSoFar: group.reduce((sum, record) => sum + costSoFar(record, now), 0),
    dueAt: due.length === 0 ? null : new Date(due.reduce((first, time) => Math.min(first, time))),
  };
}
