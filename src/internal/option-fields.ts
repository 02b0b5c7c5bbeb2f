/** Fields that the options of several factories share. */
import * as z from "zod/mini";
import type { Clock } from "../clock.ts";
import { isSafeAddress } from "./addresses.ts";
import { type Field, field, optional } from "./parse.ts";

type OptionalField<Value> = Field<z.ZodMiniOptional<z.ZodMiniCustom<Value, Value>>>;

/** The schema of a function. */
export function callable<Kind>(): z.ZodMiniCustom<Kind, Kind> {
  return z.custom<Kind>((value) => typeof value === "function");
}

/** A check that a value is an object with all of these methods. */
export function hasMethods(...names: readonly string[]): (value: unknown) => boolean {
  return (value) =>
    typeof value === "object" &&
    value !== null &&
    names.every((name) => typeof Reflect.get(value, name) === "function");
}

/** `signal`, as an option. */
export const signalField: OptionalField<AbortSignal> = optional(
  field(
    z.custom<AbortSignal>((value) => value instanceof AbortSignal),
    "an AbortSignal",
  ),
);

const isClock: (value: unknown) => boolean = hasMethods("now", "sleep");

/** `fetch`, as an option. */
export const fetchField: OptionalField<typeof globalThis.fetch> = optional(
  field(callable<typeof globalThis.fetch>(), "a function like fetch"),
);

/** `clock`, as an option. */
export const clockField: OptionalField<Clock> = optional(
  field(z.custom<Clock>(isClock), "a clock with now() and sleep()"),
);

/** A number from this minimum on, as an option. */
export function numberField(minimum: number, kind = "a number"): Field<z.ZodMiniOptional<z.ZodMiniNumber>> {
  return optional(field(z.number().check(z.minimum(minimum)), `${kind} from ${minimum}`));
}

/** The base URL of an API, as an option. A credential goes to it: over plain http only inside a private network. */
export const baseUrlField: Field<z.ZodMiniOptional<z.ZodMiniString>> = optional(
  field(
    z.string().check(z.regex(/^https?:\/\/[^\s?#@]+$/), z.refine(isSafeAddress)),
    "an https URL without a query, or an http one of a private host",
  ),
);

/** `logger`, as an option. */
export function loggerField<Logger>(): OptionalField<Logger> {
  return optional(
    field(
      z.custom<Logger>(hasMethods("debug", "info", "warn", "error")),
      "an object with debug, info, warn and error",
    ),
  );
}

/** `basePath`, as an option: the path of a handler. */
export const basePathField: Field<z.ZodMiniOptional<z.ZodMiniString>> = optional(
  field(z.string().check(z.regex(/^(?:\/[A-Za-z0-9._~-]+)*\/?$/)), 'a path such as "/api/atlas"'),
);
