/** The option `hosts` of the control plane and of the operator page. */
import * as z from "zod/mini";
import { type Field, field, optional } from "../internal/parse.ts";
import { HOST_ALLOWED, isHostName } from "./hosts.ts";

/** The names of the application. */
export const hostsField: Field<z.ZodMiniOptional<z.ZodMiniArray<z.ZodMiniString>>> = optional(
  field(
    z.array(z.string().check(z.refine(isHostName))).check(z.minLength(1), z.maxLength(100)),
    `1 to 100 ${HOST_ALLOWED}`,
  ),
);
