/** The names of tables, as statements write them. */
import * as z from "zod/mini";
import { type Field, field, optional } from "../../internal/parse.ts";

/** Every name of ours in a database, quoted. */
export interface Names {
  readonly computes: string;
  readonly tokens: string;
  readonly events: string;
  readonly settings: string;
  readonly notes: string;
  readonly ledger: string;
  readonly cursors: string;
  readonly tenants: string;
  readonly credentials: string;
  readonly migrations: string;
  /** A name of ours in the same schema, with the prefix: for a function. */
  qualified(name: string): string;
  /** A name of ours that cannot have a schema, with the prefix: for an index. */
  own(name: string): string;
}

/** A schema or a prefix, as an option. It becomes part of the SQL text, so only characters that need no quoting are allowed. @internal */
export const identifierField: Field<z.ZodMiniOptional<z.ZodMiniString>> = optional(
  field(
    z.string().check(z.regex(/^[a-z_][a-z0-9_]{0,30}$/)),
    "up to 31 of a-z, 0-9 and _, not beginning with a digit",
  ),
);

/** Builds the names under a prefix, in a schema where there is one; {@link identifierField} has checked both. */
export function tableNames(prefix: string, schema?: string): Names {
  const own = (name: string): string => `"${prefix}${name}"`;
  const qualified = (name: string): string => (schema === undefined ? own(name) : `"${schema}".${own(name)}`);
  return {
    computes: qualified("computes"),
    tokens: qualified("tokens"),
    events: qualified("events"),
    settings: qualified("settings"),
    notes: qualified("notes"),
    ledger: qualified("ledger"),
    cursors: qualified("cursors"),
    tenants: qualified("tenants"),
    credentials: qualified("tenant_credentials"),
    migrations: qualified("migrations"),
    qualified,
    own,
  };
}
