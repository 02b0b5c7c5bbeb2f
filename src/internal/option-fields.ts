/** Fields that the options of several factories share. */
import * as z from "zod/mini";
import type { Clock } from "../clock.ts";
import { type Field, field, optional } from "./parse.ts";

type OptionalField<Value> = Field<z.ZodMiniOptional<z.ZodMiniCustom<Value, Value>>>;

const isClock = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "now" in value && "sleep" in value;

/** `fetch`, as an option. */
export const fetchField: OptionalField<typeof globalThis.fetch> = optional(
  field(
    z.custom<typeof globalThis.fetch>((value) => typeof value === "function"),
    "a function like fetch",
  ),
);

/** `clock`, as an option. */
export const clockField: OptionalField<Clock> = optional(
  field(z.custom<Clock>(isClock), "a clock with now() and sleep()"),
);

/** The base URL of an API, as an option. */
export const baseUrlField: Field<z.ZodMiniOptional<z.ZodMiniString>> = optional(
  field(z.string().check(z.regex(/^https?:\/\/[^\s?#@]+$/)), "an http(s) URL without a query"),
);
