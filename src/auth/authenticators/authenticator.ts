import { AtlasError, isAtlasError } from "../../errors.ts";

/**
 * What tells who presents a credential. Every authenticator here, and every combination of them, keeps to it,
 * so an application can write its own.
 */
export interface Authenticator<Identity> {
  /**
   * Whom the credential names. A candidate may be of any type.
   *
   * @throws `UNAUTHORIZED` when the credential was rejected, and only then.
   * @throws `UNAVAILABLE` when nobody could say. `details.problem` is `"outage"` when the one who knows did not
   * answer, and `"nonsense"` when the answer makes no sense, which is a mistake in the configuration.
   */
  verify(candidate: unknown): Promise<Identity>;
}

/** The error for a credential that was rejected. It does not say why: a guesser learns nothing from it. */
export function rejected(): AtlasError {
  return new AtlasError("UNAUTHORIZED", "The credential was rejected: present one that is valid.");
}

/** The error for a credential that could not be checked, because who knows it did not answer. */
export function outage(what: string, cause?: AtlasError): AtlasError {
  const details = { problem: "outage" };
  return new AtlasError("UNAVAILABLE", `The credential could not be checked, for ${what}. Try again.`, {
    details,
    cause,
  });
}

/** The error for a credential about which an answer came that makes no sense. */
export function nonsense(what: string): AtlasError {
  const details = { problem: "nonsense" };
  return new AtlasError(
    "UNAVAILABLE",
    `The credential could not be checked, for ${what}. Check what the authenticator is connected to.`,
    { details, retryable: false },
  );
}

/** What was thrown, as an error that an authenticator may throw: what is neither of the two codes is an outage. */
export function toRefusal(thrown: unknown, what: string): AtlasError {
  const error = isAtlasError(thrown) ? thrown : undefined;
  if (error?.code === "UNAUTHORIZED" || error?.code === "UNAVAILABLE") return error;
  return outage(`${what} failed with ${nameOf(thrown)}`, error);
}

/** Another's message may hold a secret, so only the kind of its error is told. */
export function nameOf(thrown: unknown): string {
  if (isAtlasError(thrown)) return thrown.code;
  return thrown instanceof Error ? thrown.name : "something that is no error";
}
