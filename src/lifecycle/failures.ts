/** Failures of a provider, sorted by what follows from them. */
import { type AtlasError, type AtlasErrorCode, isAtlasError } from "../errors.ts";

/** Codes of a create that may have taken effect. */
const UNKNOWN_OUTCOME: ReadonlySet<AtlasErrorCode> = new Set([
  "TIMEOUT",
  "TRANSPORT",
  "PROVIDER",
  "UNAVAILABLE",
]);

/** Codes that speak of the provider at this moment, and not of one compute. */
const PASSING: ReadonlySet<AtlasErrorCode> = new Set([...UNKNOWN_OUTCOME, "RATE_LIMIT"]);

/** Codes after which the next candidate is tried. */
const CLEAN_REFUSALS: ReadonlySet<AtlasErrorCode> = new Set(["CAPACITY", "QUOTA", "FORBIDDEN"]);

/** True when an instance may exist although the create failed. */
export function mayHaveCreated(error: AtlasError): boolean {
  return error.mayHaveCreated ?? UNKNOWN_OUTCOME.has(error.code);
}

/** True when the provider refused this candidate, created nothing, and another candidate may fit. */
export function isCleanRefusal(error: AtlasError): boolean {
  return !mayHaveCreated(error) && CLEAN_REFUSALS.has(error.code);
}

/** True when the same question may have an answer in a moment. */
export function isPassing({ code }: AtlasError): boolean {
  return PASSING.has(code);
}

/** True when the failure counts against the provider, and would meet its other computes too. */
export function isOutage(error: AtlasError): boolean {
  return isPassing(error) || error.code === "AUTH_ERROR";
}

/** The code of an error, for a log line. */
export function codeOf(error: unknown): AtlasErrorCode | "unknown" {
  return isAtlasError(error) ? error.code : "unknown";
}

/** The message of an error, with its code where it has one. */
export function messageOf(error: unknown): string {
  if (isAtlasError(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : "unknown error";
}
