import * as z from "zod/mini";
import { type Field, field } from "../internal/parse.ts";

const secret = z.string().check(z.minLength(1));

/** `secret`, as an option. */
export const secretField: Field<z.ZodMiniString> = field(secret, "a string that is not empty", {
  secret: true,
});

/** `secret`, as an option that may be a list while the secret is being rotated. */
export const secretsField: Field<z.ZodMiniUnion<[z.ZodMiniString, z.ZodMiniArray<z.ZodMiniString>]>> = field(
  z.union([secret, z.array(secret).check(z.minLength(1))]),
  "a string that is not empty, or a list of such strings",
  { secret: true },
);

/** The secrets that a verifier may try. An empty one, or one that is not a string, does not count: an unset variable opens nothing. */
export function usableSecrets(secret: string | readonly string[]): string[] {
  return [secret].flat().filter((candidate) => typeof candidate === "string" && candidate !== "");
}

/**
 * Runs a check that must not throw, and answers `refusal` where it would have thrown. Candidates never make a check throw; options of a
 * wrong type do, and a guard with a wrong configuration has to refuse, not to crash.
 */
export function failClosed<Result>(check: () => Result, refusal: Result): Result {
  try {
    return check();
  } catch {
    return refusal;
  }
}
