import { type Clock, systemClock } from "../../clock.ts";
import { invalid, parseFields } from "../../internal/parse.ts";
import type { Authenticator } from "./authenticator.ts";
import { CACHE_FIELDS } from "./cache-fields.ts";
import { type CachedAuthenticator, type CacheSettings, IdentityCache } from "./identity-cache.ts";
import { problemsOfAuthenticator } from "./problems.ts";

/** The memory of an authenticator: its answers and their age. */
export interface CacheOptions {
  /** The time in seconds for which an answer is used as it is. @default 60 */
  readonly ttlSeconds?: number | undefined;
  /**
   * The time in seconds for which an answer may be used while a new one is on its way, counted like `ttlSeconds` from the question. An
   * older one is never used, so a revocation elsewhere is noticed after this time at the latest. @default 180
   */
  readonly maxStaleSeconds?: number | undefined;
  /** The time in seconds for which a rejection is remembered; a credential made meanwhile has to wait as long. @default 10 */
  readonly negativeTtlSeconds?: number | undefined;
  /** The number of identities that are remembered; the one used least recently makes room. @default 10000 */
  readonly maxEntries?: number | undefined;
  /** The number of rejections that are remembered. @default 1000 */
  readonly maxNegativeEntries?: number | undefined;
  /** @default the machine's clock */
  readonly clock?: Clock | undefined;
}

/**
 * Makes any authenticator remember its answers: one question at a time about a credential, an old answer while the new one is on its
 * way, and through an outage for no longer than `maxStaleSeconds`.
 *
 * @throws `VALIDATION` when an option is not valid.
 *
 * @example
 * ```ts
 * import { createCachedAuthenticator, createRemoteAuthenticator } from "atlas-compute/auth";
 *
 * const remote = createRemoteAuthenticator({ url: "https://control.example/internal/verify", secret: "internal secret" });
 * const authenticator = createCachedAuthenticator(remote, { ttlSeconds: 30 });
 * ```
 */
export function createCachedAuthenticator<Identity>(
  authenticator: Authenticator<Identity>,
  options: CacheOptions = {},
): CachedAuthenticator<Identity> {
  const given = parseFields(WHAT, CACHE_FIELDS, options);
  const problems = problemsOfAuthenticator("authenticator", authenticator);
  if (problems.length > 0) throw invalid("The arguments of createCachedAuthenticator", problems);
  return new IdentityCache(authenticator, toCacheSettings(WHAT, given));
}

const WHAT = "The options of createCachedAuthenticator";

/** The settings that these options describe. @throws `VALIDATION` when an answer would be too old before it is old */
export function toCacheSettings(what: string, options: CacheOptions): CacheSettings {
  const { ttlSeconds = 60, maxStaleSeconds = Math.max(180, ttlSeconds), negativeTtlSeconds = 10 } = options;
  if (maxStaleSeconds < ttlSeconds) {
    const allowed = `at least ttlSeconds (${ttlSeconds})`;
    throw invalid(what, [{ field: "maxStaleSeconds", received: String(maxStaleSeconds), allowed }]);
  }
  const { maxEntries = 10_000, maxNegativeEntries = 1_000, clock = systemClock } = options;
  return { ttlSeconds, maxStaleSeconds, negativeTtlSeconds, maxEntries, maxNegativeEntries, clock };
}
