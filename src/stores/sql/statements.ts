/** The parts of statements that SQLite and PostgreSQL have in common. */
import {
  type ComputeStatus,
  isLive,
  liveStatuses,
  type Page,
  type RecordFilter,
  type SlotKey,
} from "../../store.ts";
import { storable, type Values } from "./columns.ts";

/** A part of a statement, and the values it names. */
export interface Part {
  readonly sql: string;
  readonly values: Values;
}

/** The constructs that each database spells in its own way. */
export interface Dialect {
  /** The texts in a JSON array. */
  eachOf(parameter: string): string;
  /** True where a column holds a text. */
  contains(column: string, parameter: string): string;
  /** A column to sort by. With `isNarrow` few records match, and sorting them after the search is faster. */
  sorting(column: string, isNarrow: boolean): string;
}

/** The computes that count and cost. Word for word as in the partial indexes over them. */
export const isLiveSql: string = `status in (${literals(liveStatuses)})`;

/** Writes `where`, `order by` and `limit` for a page of a list. */
export function listSql(filter: RecordFilter, page: Page, dialect: Dialect): Part {
  const { names, statuses } = filter;
  const isNarrow = names !== undefined || (statuses?.every(isLive) ?? false);
  const createdAt = dialect.sorting("created_at", isNarrow);
  const id = dialect.sorting("id", isNarrow);
  const { sql, values } = whereSql(filter, dialect);
  const order = `order by ${createdAt} desc, ${id} desc limit :limit`;
  if (page.after === undefined) return { sql: `${sql} ${order}`, values: { ...values, limit: page.limit } };
  const { createdAt: after_created_at, id: after_id } = page.after;
  return {
    sql: `${sql} and (${createdAt}, ${id}) < (:after_created_at, :after_id) ${order}`,
    values: { ...values, after_created_at, after_id, limit: page.limit },
  };
}

/** The columns in which a search looks. */
const SEARCHED = ["id", "name", "provider_id", "user_id", "slot"] as const;

/** Writes `where` for the records of a filter. */
export function whereSql(filter: RecordFilter, dialect: Dialect): Part {
  const { namespace, userId, slot, tenantId, provider, statuses, names, search } = filter;
  const conditions: [string, Values][] = [["namespace = :namespace", { namespace }]];
  if (userId !== undefined) conditions.push(["user_id = :user_id", { user_id: userId }]);
  if (slot !== undefined) conditions.push(["slot = :slot", { slot }]);
  if (tenantId !== undefined) conditions.push(["tenant_id = :tenant_id", { tenant_id: tenantId }]);
  if (provider !== undefined) conditions.push(["provider = :provider", { provider }]);
  if (statuses !== undefined) conditions.push([statusIn(statuses), {}]);
  if (names !== undefined)
    conditions.push([
      `name in (${dialect.eachOf(":names")})`,
      { names: JSON.stringify(names.map(storable)) },
    ]);
  if (search !== undefined) {
    const found = SEARCHED.map((column) => dialect.contains(column, ":search"));
    conditions.push([`(${found.join(" or ")})`, { search }]);
  }
  return {
    sql: `where ${conditions.map(([sql]) => sql).join(" and ")}`,
    values: Object.assign({}, ...conditions.map(([, values]) => values)),
  };
}

/** Statuses are part of the text: a database uses its partial index over live computes only when it can read them. */
function statusIn(statuses: readonly ComputeStatus[]): string {
  const known = statuses.filter((status) => isLive(status) || status === "terminated" || status === "failed");
  if (known.length === 0) return "1 = 0";
  const condition = `status in (${literals(known)})`;
  return known.every(isLive) && condition !== isLiveSql ? `${isLiveSql} and ${condition}` : condition;
}

/** The columns of a record that has ended as `abandoned` at that time, as an update sets them. */
export function endedColumnsSql(now: string): string {
  const nothing = [
    "boot_deadline",
    "idle_deadline",
    "lifetime_deadline",
    "budget_deadline",
    "check_at",
    "due_at",
    "absent_since",
  ];
  const cleared = [...nothing, "cost_since", "lease", "lease_until"].map((column) => `${column} = null`);
  return `status = 'terminated', reason = 'abandoned', version = version + 1, ended_at = ${now}, updated_at = ${now},
    ${cleared.join(", ")}`;
}

/** The condition of a slot's holder, in the words of the unique index over slots. */
export const holdsSlotSql: string = `namespace = :namespace and coalesce(tenant_id, '') = :tenant_id
  and user_id = :user_id and slot = :slot and ${isLiveSql}`;

/** The values that {@link holdsSlotSql} names. */
export function slotValues({ namespace, tenantId, userId, slot }: SlotKey): Values {
  return { namespace, tenant_id: tenantId ?? "", user_id: userId, slot };
}

function literals(statuses: readonly ComputeStatus[]): string {
  return statuses.map((status) => `'${status}'`).join(", ");
}
