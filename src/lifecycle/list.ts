/** Reading the recorded computes page by page, and adding them up. */
import * as z from "zod/mini";
import { defined } from "../internal/defined.ts";
import { field, optional, parseFields } from "../internal/parse.ts";
import {
  type ComputeRecord,
  type ComputeStatus,
  liveStatuses,
  type Page,
  type RecordFilter,
  type Total,
  type TotalKey,
} from "../store.ts";
import type { Context } from "./context.ts";

/** Filters of computes. A field that is left out does not filter. */
export interface ComputeFilter {
  readonly userId?: string | undefined;
  readonly status?: ComputeStatus | readonly ComputeStatus[] | undefined;
  readonly provider?: string | undefined;
  readonly slot?: string | undefined;
  /** A text, as it is written, in the id, the name, the provider's id, the user or the slot: 1 to 200 characters. */
  readonly search?: string | undefined;
}

/** The filters and the page of a list of computes. */
export interface ListOptions extends ComputeFilter {
  /** Computes a page, 1 to 1000. @default 100 */
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | null | undefined;
}

/** The computes to add up, and the facts that make a group. Without `status`, live computes only. */
export interface TotalsOptions extends ComputeFilter {
  readonly by: readonly [TotalKey, ...TotalKey[]];
  /** The number of groups, 1 to 1000. @default 100 */
  readonly limit?: number | undefined;
}

const STATUSES = [...liveStatuses, "terminated", "failed"] as const;
const status = z.enum(STATUSES);
const limitField = optional(
  field(z.int().check(z.minimum(1), z.maximum(1000)), "a whole number from 1 to 1000"),
);
const FILTER_FIELDS = {
  userId: optional(field(z.string(), "a string")),
  status: optional(field(z.union([status, z.array(status)]), `${STATUSES.join(", ")}, or an array of them`)),
  provider: optional(field(z.string(), "a string")),
  slot: optional(field(z.string(), "a string")),
  search: optional(field(z.string().check(z.minLength(1), z.maxLength(200)), "1 to 200 characters")),
};

const LIST_FIELDS = {
  ...FILTER_FIELDS,
  limit: limitField,
  cursor: optional(
    field(z.nullable(z.string().check(z.regex(/^[0-9]{1,15}\.[0-9a-z]{1,40}$/))), "the nextCursor of a page"),
  ),
};

const key = z.enum(["userId", "provider", "status", "gpu"]);

const TOTALS_FIELDS = {
  ...FILTER_FIELDS,
  limit: limitField,
  by: field(
    z.tuple([key], key).check(z.maxLength(4)),
    'a list of "userId", "provider", "status" and "gpu" with at least one of them',
  ),
};

/** One page of records, as of a moment. */
export interface RecordPage {
  readonly records: readonly ComputeRecord[];
  readonly now: Date;
  readonly nextCursor: string | null;
}

/** Makes a reader of pages, from the given cursor or else from the cursor of the options. @throws VALIDATION at once */
export function pageReader(
  { store, namespace }: Context,
  options: ListOptions,
): (cursor: string | null) => Promise<RecordPage> {
  const {
    cursor: first = null,
    limit = 100,
    status: wanted,
    ...rest
  } = parseFields("The options of listComputes", LIST_FIELDS, options);
  const statuses = wanted === undefined ? undefined : [wanted].flat();
  const filter: RecordFilter = defined({ namespace, ...rest, statuses });
  return async (next) => {
    const cursor = next ?? first;
    const after = cursor === null ? undefined : fromCursor(cursor);
    const records = await store.list(filter, defined({ limit: limit + 1, after }));
    const page = records.slice(0, limit);
    const last = page.at(-1);
    return {
      records: page,
      now: await store.now(),
      nextCursor: records.length > limit && last ? toCursor(last) : null,
    };
  };
}

/** Adds computes up, the costliest group per hour first. @throws VALIDATION */
export async function addUp(
  { store, namespace }: Context,
  options: TotalsOptions,
): Promise<readonly Total[]> {
  const { by, limit = 100, status, ...rest } = parseFields("The options of totals", TOTALS_FIELDS, options);
  const statuses = status === undefined ? liveStatuses : [status].flat();
  return store.totals({ filter: defined({ namespace, ...rest, statuses }), by, limit });
}

function toCursor({ createdAt, id }: ComputeRecord): string {
  return `${createdAt.getTime()}.${id}`;
}

/** Reads the text of {@link toCursor}; the schema has checked its form. */
function fromCursor(cursor: string): NonNullable<Page["after"]> {
  const dot = cursor.indexOf(".");
  return { createdAt: new Date(Number(cursor.slice(0, dot))), id: cursor.slice(dot + 1) };
}
