import { hasMethods } from "../../internal/option-fields.ts";
import { describe, type FieldProblem } from "../../internal/parse.ts";

/** The problems of an argument that must be an authenticator. */
export function problemsOfAuthenticator(name: string, value: unknown): readonly FieldProblem[] {
  if (hasMethods("verify")(value)) return [];
  return [{ field: name, received: describe(value), allowed: "an authenticator: an object with verify()" }];
}
