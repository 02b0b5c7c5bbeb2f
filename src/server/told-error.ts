/** The words of a failure for its reader. Operators read the whole in the log; a browser reads nothing about providers, accounts or keys. */
import { AtlasError, type AtlasErrorCode } from "../errors.ts";
import { defined } from "../internal/defined.ts";
import { isNotOwned } from "../store.ts";
import type { Plane } from "./options.ts";

/** The reader of an answer. A browser's user is a stranger to the application's accounts; a pod's guard and a service are not. */
export type Reader = "browser" | "service";

const MISCONFIGURED = "This service cannot do that at the moment. Its operator has been told.";

/** The code and the sentence that a browser reads instead of an error of a provider, or of one about the application's own keys. */
const TOLD: Readonly<Partial<Record<AtlasErrorCode, readonly [code: AtlasErrorCode, words: string]>>> = {
  AUTH_ERROR: ["KEY_UNAVAILABLE", MISCONFIGURED],
  BILLING: ["KEY_UNAVAILABLE", MISCONFIGURED],
  QUOTA: ["KEY_UNAVAILABLE", MISCONFIGURED],
  KEY_UNAVAILABLE: ["KEY_UNAVAILABLE", MISCONFIGURED],
  UNAUTHORIZED: ["KEY_UNAVAILABLE", MISCONFIGURED],
  FORBIDDEN: ["KEY_UNAVAILABLE", MISCONFIGURED],
  VALIDATION: ["UNAVAILABLE", MISCONFIGURED],
  CAPACITY: ["CAPACITY", "No machine is free at the moment. Try again later."],
  RATE_LIMIT: ["RATE_LIMIT", "Too many requests at the moment. Try again later."],
  UNCERTAIN: [
    "UNCERTAIN",
    "The outcome is not known yet. The compute is being looked for: do not try again.",
  ],
  TIMEOUT: ["TIMEOUT", "The machine did not answer in time."],
  BOOT_FAILED: ["BOOT_FAILED", "The machine failed to start."],
  UNSUPPORTED: ["UNSUPPORTED", "This machine cannot do that."],
  NOT_FOUND: ["UNAVAILABLE", MISCONFIGURED],
  CONFLICT: ["CONFLICT", "The machine is in a state in which it cannot do that."],
};
const OTHER = "The service that provides the machines failed. Try again later.";

/** Codes that concern the account or the keys of the application, whichever part of it threw them. */
const OF_THE_APPLICATION: ReadonlySet<AtlasErrorCode> = new Set([
  "AUTH_ERROR",
  "BILLING",
  "QUOTA",
  "KEY_UNAVAILABLE",
]);

/** Logs a failure that an operator should hear of, and returns the error that the reader may see. */
export function toldError(plane: Plane, reader: Reader, error: AtlasError): AtlasError {
  if (isNotOwned(error)) {
    logFailure(plane, error);
    return new AtlasError("UNAVAILABLE", MISCONFIGURED);
  }
  const isOurs = isAboutUs(error);
  if (isOurs || error.toProblem().status >= 500) logFailure(plane, error);
  return isOurs && reader === "browser" ? toldToBrowser(error) : error;
}

/** The error for a spawn request of the application that is not valid: its user cannot mend it. */
export function toldAsOurs(plane: Plane, error: AtlasError): AtlasError {
  logFailure(plane, error);
  return toldToBrowser(error);
}

function isAboutUs({ code, provider, candidates }: AtlasError): boolean {
  return provider !== undefined || candidates !== undefined || OF_THE_APPLICATION.has(code);
}

function toldToBrowser(error: AtlasError): AtlasError {
  const [code, words] = TOLD[error.code] ?? [error.code, OTHER];
  const { retryable, retryAfterSeconds, computeId } = error;
  return new AtlasError(code, words, {
    ...defined({ retryAfterSeconds, computeId }),
    ...(code === error.code ? { retryable } : {}),
  });
}

function logFailure({ logger }: Plane, error: AtlasError): void {
  const { code, message, provider, status, computeId, providerId, requestId, candidates, details } = error;
  const facts = { provider, status, computeId, providerId, requestId, candidates, details };
  const cause = error.cause instanceof Error ? error.cause.message : undefined;
  logger?.error(`a request failed with ${code}: ${message}`, { code, ...defined({ ...facts, cause }) });
}
