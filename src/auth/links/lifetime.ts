/** The end of a credential's validity, for everything that signs. */
import * as z from "zod/mini";
import { AtlasError } from "../../errors.ts";
import { type Field, field, optional } from "../../internal/parse.ts";
import { toUnixSeconds } from "../signed-url/signature.ts";

/** `exp` as it is written: Unix seconds, at most 16 digits. */
export const EXP: RegExp = /^[1-9][0-9]{0,15}$/;

/** `now`, as an option. */
export const nowField: Field<z.ZodMiniOptional<z.ZodMiniUnion<[z.ZodMiniDate, z.ZodMiniNumber]>>> = optional(
  field(z.union([z.date(), z.number()]), "a Date or Unix seconds"),
);

/** A lifetime in whole seconds, as an option with bounds. */
export function secondsField(
  minimum: number,
  maximum: number,
): Field<z.ZodMiniOptional<z.ZodMiniNumberFormat>> {
  const schema = z.int().check(z.minimum(minimum), z.maximum(maximum));
  return optional(field(schema, `whole seconds from ${minimum} to ${maximum}`));
}

/** Unix seconds after a lifetime. @throws VALIDATION when `now` is not a time or the sum is out of range */
export function expiresAt(name: string, now: Date | number | undefined, seconds: number): number {
  const exp = toUnixSeconds(now) + seconds;
  if (Number.isSafeInteger(exp) && exp > 0) return exp;
  throw new AtlasError(
    "VALIDATION",
    `${name} cannot sign until Unix second ${exp}: check now and expiresInSeconds.`,
  );
}

/** True while a credential is valid. A time that is not a number makes every credential expired. */
export function isCurrent(exp: string, now: Date | number | undefined): boolean {
  return toUnixSeconds(now) <= Number(exp);
}
