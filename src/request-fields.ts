/** Fields of a request that more than one parser reads. Apart from the request, so that no published declaration needs zod. */
import * as z from "zod/mini";
import { type Field, field, optional } from "./internal/parse.ts";

/** A slot, as an option. */
export const slotField: Field<z.ZodMiniOptional<z.ZodMiniString>> = optional(
  field(
    z.string().check(z.regex(/^[a-z0-9][a-z0-9_-]{0,63}$/)),
    "up to 64 of a-z, 0-9, _ and -, beginning with a letter or digit",
  ),
);

type Seconds = z.ZodMiniNumberFormat;

function seconds(from: number, to: number): Field<z.ZodMiniOptional<Seconds>> {
  const schema = z.int().check(z.minimum(from), z.maximum(to));
  return optional(field(schema, `a whole number of seconds from ${from} to ${to}`));
}

function secondsOrNull(to: number): Field<z.ZodMiniOptional<z.ZodMiniNullable<Seconds>>> {
  const schema = z.nullable(z.int().check(z.minimum(1), z.maximum(to)));
  return optional(field(schema, `a whole number of seconds from 1 to ${to}, or null`));
}

const MONTH = 2_592_000;
const YEAR = 31_536_000;
const DAY = 86_400;

/** The fields of a request that are times. */
export const TIME_FIELDS: {
  readonly idleTimeoutSeconds: Field<z.ZodMiniOptional<z.ZodMiniNullable<Seconds>>>;
  readonly maxLifetimeSeconds: Field<z.ZodMiniOptional<z.ZodMiniNullable<Seconds>>>;
  readonly maxExtendedLifetimeSeconds: Field<z.ZodMiniOptional<Seconds>>;
  readonly bootTimeoutSeconds: Field<z.ZodMiniOptional<Seconds>>;
  readonly warnBeforeEndSeconds: Field<z.ZodMiniOptional<Seconds>>;
} = {
  idleTimeoutSeconds: secondsOrNull(MONTH),
  maxLifetimeSeconds: secondsOrNull(YEAR),
  maxExtendedLifetimeSeconds: seconds(1, YEAR),
  bootTimeoutSeconds: seconds(1, DAY),
  warnBeforeEndSeconds: seconds(0, DAY),
};
