/** The parts of statements that SQLite and PostgreSQL have in common. */
import { type ComputeStatus, isLive, liveStatuses, type Page, type RecordFilter } from "../store.ts";
import { storable, type Values } from "./columns.ts";

/** A condition, and the values it names. */
export interface Condition {
  readonly sql: string;
  readonly values: Values;
}

/** The computes that count and cost. Word for word as in the partial indexes over them. */
export const isLiveSql: string = `status in (${literals(liveStatuses)})`;

/**
 * The condition for a stretch of a list. `eachOf` is how the dialect spells the elements of a JSON array.
 */
export function listCondition(
  filter: RecordFilter,
  page: Page,
  eachOf: (parameter: string) => string,
): Condition {
  const { namespace, userId, clientId, provider, statuses, names } = filter;
  const parts: [string, Values][] = [["namespace = :namespace", { namespace }]];
  if (userId !== undefined) parts.push(["user_id = :user_id", { user_id: userId }]);
  if (clientId !== undefined) parts.push(["client_id = :client_id", { client_id: clientId }]);
  if (provider !== undefined) parts.push(["provider = :provider", { provider }]);
  if (statuses !== undefined) parts.push([statusIn(statuses), {}]);
  if (names !== undefined) parts.push([`name in (${eachOf(":names")})`, { names: jsonList(names) }]);
  if (page.after !== undefined) parts.push(behind(page.after));
  return {
    sql: parts.map(([sql]) => sql).join(" and "),
    values: Object.assign({}, ...parts.map(([, values]) => values)),
  };
}

/** Texts as one JSON array: any number of them is one value. */
export function jsonList(texts: readonly string[]): string {
  return JSON.stringify(texts.map(storable));
}

function behind(after: NonNullable<Page["after"]>): [string, Values] {
  return [
    "(created_at, id) < (:after_created_at, :after_id)",
    { after_created_at: after.createdAt, after_id: after.id },
  ];
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
