/** The filters of the list, as its address carries them. */
import { AtlasError } from "../errors.ts";
import { defined } from "../internal/defined.ts";
import type { ComputeFilter } from "../lifecycle/list.ts";
import { type ComputeStatus, liveStatuses } from "../store.ts";

/** The states that the list can show: every live one, all of them, or one. */
export const STATES: readonly (ComputeStatus | "live" | "all")[] = [
  "live",
  ...liveStatuses,
  "terminated",
  "failed",
  "all",
];

/** The filters. An empty text does not filter. */
export interface ListQuery {
  readonly search: string;
  readonly state: (typeof STATES)[number];
  readonly provider: string;
  readonly user: string;
  /** The cursor of a page; empty for the first one. */
  readonly cursor: string;
}

/** Reads the filters from an address. @throws VALIDATION for a state that does not exist */
export function toListQuery(url: URL): ListQuery {
  const text = (name: string): string => url.searchParams.get(name)?.trim() ?? "";
  const wanted = text("state") || "live";
  const state = STATES.find((known) => known === wanted);
  if (state === undefined)
    throw new AtlasError(
      "VALIDATION",
      `There is no state ${wanted.slice(0, 40)}: choose one of ${STATES.join(", ")}.`,
    );
  return {
    search: text("search"),
    state,
    provider: text("provider"),
    user: text("user"),
    cursor: text("cursor"),
  };
}

/** The same filters for the client. */
export function toFilter({ search, state, provider, user }: ListQuery): ComputeFilter {
  return defined({
    search: search || undefined,
    provider: provider || undefined,
    userId: user || undefined,
    status: statusesOf(state),
  });
}

function statusesOf(state: ListQuery["state"]): ComputeFilter["status"] {
  if (state === "all") return [...liveStatuses, "terminated", "failed"];
  return state === "live" ? liveStatuses : state;
}
