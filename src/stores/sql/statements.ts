/** The parts of statements that SQLite and PostgreSQL have in common. */
import { type ComputeStatus, isLive, liveStatuses, type Page, type RecordFilter } from "../../store.ts";
import { storable, type Values } from "./columns.ts";

/** A part of a statement, and the values it names. */
export interface Part {
  readonly sql: string;
  readonly values: Values;
}

/** How a database spells what others spell differently. */
export interface Dialect {
  /** The texts in a JSON array. */
  eachOf(parameter: string): string;
  /** A column to sort by. `isNarrow` says that few records match, which are better found first and sorted then. */
  sorting(column: string, isNarrow: boolean): string;
}

/** The computes that count and cost. Word for word as in the partial indexes over them. */
export const isLiveSql: string = `status in (${literals(liveStatuses)})`;

/** `where`, `order by` and `limit` of a stretch of a list. */
export function listSql(filter: RecordFilter, page: Page, dialect: Dialect): Part {
  const { namespace, userId, tenantId, provider, statuses, names } = filter;
  const isNarrow = names !== undefined || (statuses?.every(isLive) ?? false);
  const createdAt = dialect.sorting("created_at", isNarrow);
  const id = dialect.sorting("id", isNarrow);
  const conditions: [string, Values][] = [["namespace = :namespace", { namespace }]];
  if (userId !== undefined) conditions.push(["user_id = :user_id", { user_id: userId }]);
  if (tenantId !== undefined) conditions.push(["tenant_id = :tenant_id", { tenant_id: tenantId }]);
  if (provider !== undefined) conditions.push(["provider = :provider", { provider }]);
  if (statuses !== undefined) conditions.push([statusIn(statuses), {}]);
  if (names !== undefined)
    conditions.push([
      `name in (${dialect.eachOf(":names")})`,
      { names: JSON.stringify(names.map(storable)) },
    ]);
  if (page.after !== undefined) {
    const { createdAt: after_created_at, id: after_id } = page.after;
    conditions.push([
      `(${createdAt}, ${id}) < (:after_created_at, :after_id)`,
      { after_created_at, after_id },
    ]);
  }
  const where = conditions.map(([sql]) => sql).join(" and ");
  return {
    sql: `where ${where} order by ${createdAt} desc, ${id} desc limit :limit`,
    values: Object.assign({ limit: page.limit }, ...conditions.map(([, values]) => values)),
  };
}

/** Statuses stand in the text itself, for only then does a database see that its index over the live ones serves. */
function statusIn(statuses: readonly ComputeStatus[]): string {
  const known = statuses.filter((status) => isLive(status) || status === "terminated" || status === "failed");
  if (known.length === 0) return "1 = 0";
  const condition = `status in (${literals(known)})`;
  return known.every(isLive) ? `${isLiveSql} and ${condition}` : condition;
}

function literals(statuses: readonly ComputeStatus[]): string {
  return statuses.map((status) => `'${status}'`).join(", ");
}
