/** The addresses of the page's parts, below the path at which browsers reach it. */
import type { ListQuery } from "./list-query.ts";

/** The names of the query's fields in an address, in order. */
const FIELDS = ["search", "state", "provider", "user", "cursor"] as const;

/** The addresses. */
export interface Links {
  list(query?: Partial<ListQuery>): string;
  compute(id: string, done?: string): string;
  action(id: string, name: string): string;
  /** A page or a file by its name. */
  at(name: string): string;
}

/** Makes the addresses below a path. */
export function linksBelow(basePath: string): Links {
  const at = (name: string): string => `${basePath}/${name}`;
  return {
    at,
    list: (query = {}) => `${at("")}${searchOf(query)}`,
    compute: (id, done) => `${at(`computes/${id}`)}${done === undefined ? "" : `?done=${done}`}`,
    action: (id, name) => at(`computes/${id}/${name}`),
  };
}

function searchOf(query: Partial<ListQuery>): string {
  const given = FIELDS.flatMap((name): [string, string][] => {
    const value = query[name];
    return value === undefined || value === "" || (name === "state" && value === "live")
      ? []
      : [[name, value]];
  });
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}
