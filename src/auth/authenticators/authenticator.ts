import { AtlasError, isAtlasError } from "../../errors.ts";

/**
 * Tells the holder of a credential. Every authenticator here, and every combination of them, keeps to this contract,
 * so an application can write its own.
 */
export interface Authenticator<Identity> {
  /**
   * Returns the identity that the credential names. A candidate may be of any type.
   *
   * @throws `UNAUTHORIZED` when the credential was rejected, and only then.
   * @throws `UNAVAILABLE` when the credential could not be checked. `details.problem` is `"outage"` when the source of
   * identities did not answer, and `"nonsense"` when its answer makes no sense, which is a mistake in the configuration.
   */
  verify(candidate: unknown): Promise<Identity>;
}

/** The error for a credential that was rejected. It does not say why: a guesser learns nothing from it. */
export function rejected(): AtlasError {
  return new AtlasError("UNAUTHORIZED", "The credential was rejected: present one that is valid.");
}

/** The error for a credential that could not be checked, because the source of identities did not answer. */
export function outage(what: string, cause?: AtlasError): AtlasError {
  const details = { problem: "outage" };
  return new AtlasError("UNAVAILABLE", `The credential could not be checked: ${what}. Try again.`, {
    details,
    cause,
  });
}

/** The error for a credential about which the source gave an answer that makes no sense. */
export function nonsense(what: string): AtlasError {
  const details = { problem: "nonsense" };
  return new AtlasError(
    "UNAVAILABLE",
    `The credential could not be checked: ${what}. Check the service that the authenticator asks.`,
    { details, retryable: false },
  );
}

/** The thrown value as an error that an authenticator may throw: every value without one of the two codes is an outage. */
export function toVerifyError(thrown: unknown, what: string): AtlasError {
  const error = isAtlasError(thrown) ? thrown : undefined;
  if (error?.code === "UNAUTHORIZED" || error?.code === "UNAVAILABLE") return error;
  return outage(`${what} failed with ${nameOf(thrown)}`, error);
}

/** The kind of an error. A foreign message may hold a secret, so it is not repeated. */
export function nameOf(thrown: unknown): string {
  if (isAtlasError(thrown)) return thrown.code;
  return thrown instanceof Error ? thrown.name : "a value that is not an error";
}
