/** The types of PostgreSQL. */
import type { Kind } from "../sql/columns.ts";

/** The type of a column, by the kind of its values. */
export const typeSql: Readonly<Record<Kind, string>> = {
  text: "text",
  integer: "integer",
  real: "double precision",
  time: "timestamptz",
  json: "json",
  tokens: "json",
};
