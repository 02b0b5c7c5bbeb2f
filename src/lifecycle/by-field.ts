import * as z from "zod/mini";
import { field, optional } from "../internal/parse.ts";

/** `by`, as a field of options. */
export const byField = optional(
  field(
    z.string().check(z.regex(/^\P{Cc}{1,250}$/u)),
    "a text of 1 to 250 characters without control characters",
  ),
);
