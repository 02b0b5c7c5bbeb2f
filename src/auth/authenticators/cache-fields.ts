/** Schemas of the options of a cache. They have a file of their own, so that published declarations do not mention zod. */
import { clockField, numberField } from "../../internal/option-fields.ts";

const seconds = numberField(0, "a number of seconds");

/** The fields of `CacheOptions`. */
export const CACHE_FIELDS: CacheFields = {
  ttlSeconds: seconds,
  maxStaleSeconds: seconds,
  negativeTtlSeconds: seconds,
  maxEntries: numberField(1),
  maxNegativeEntries: numberField(0),
  clock: clockField,
};

/** The options that are numbers. */
type CacheNumber =
  | "ttlSeconds"
  | "maxStaleSeconds"
  | "negativeTtlSeconds"
  | "maxEntries"
  | "maxNegativeEntries";

/** The type of {@link CACHE_FIELDS}. */
export type CacheFields = { readonly [Name in CacheNumber]: typeof seconds } & {
  readonly clock: typeof clockField;
};
