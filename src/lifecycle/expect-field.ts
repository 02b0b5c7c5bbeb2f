import * as z from "zod/mini";
import { type Field, field, optional } from "../internal/parse.ts";
import type { ExpectedAnswer } from "./expect.ts";

const status = z.int().check(z.minimum(100), z.maximum(599));

/** `expect`, as an option. */
export const expectField: Field<z.ZodMiniOptional<z.ZodMiniType<ExpectedAnswer>>> = optional(
  field(
    z.strictObject({
      status: z.optional(z.union([status, z.array(status).check(z.minLength(1))])),
      header: z.optional(z.record(z.string().check(z.regex(/^[\w-]+$/)), z.string())),
      text: z.optional(z.union([z.string(), z.instanceof(RegExp)])),
      json: z.optional(z.custom<object>((value) => typeof value === "object" && value !== null)),
    }),
    "{ status, header, text, json }, each optional",
  ),
);
