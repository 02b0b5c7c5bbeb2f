import { type Clock, systemClock } from "../../clock.ts";
import { AtlasError } from "../../errors.ts";
import { requireFunction, requireKnownOptions, requireNumbers } from "../options.ts";
import type { Authenticator } from "./authenticator.ts";
import { type CachedAuthenticator, type CacheSettings, IdentityCache } from "./identity-cache.ts";

/** How long an authenticator remembers answers, and how many. */
export interface CacheOptions {
  /** For how long an answer is used as it is. @default 60 */
  readonly ttlSeconds?: number | undefined;
  /**
   * For how long an answer may be used while a new one is being asked for, counted like `ttlSeconds` from the question. An
   * older one is never used, so this is how late a revocation elsewhere can be noticed. @default 180
   */
  readonly maxStaleSeconds?: number | undefined;
  /** For how long a rejection is remembered; a credential made meanwhile has to wait as long. @default 10 */
  readonly negativeTtlSeconds?: number | undefined;
  /** How many identities are remembered; the one used least recently makes room. @default 10000 */
  readonly maxEntries?: number | undefined;
  /** How many rejections are remembered. @default 1000 */
  readonly maxNegativeEntries?: number | undefined;
  /** @default the machine's clock */
  readonly clock?: Clock | undefined;
}

/** The names of {@link CacheOptions}. */
export const cacheOptionNames: readonly string[] = [
  "ttlSeconds",
  "maxStaleSeconds",
  "negativeTtlSeconds",
  "maxEntries",
  "maxNegativeEntries",
  "clock",
];

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
  requireKnownOptions("createCachedAuthenticator", options, cacheOptionNames);
  requireFunction("createCachedAuthenticator", "the authenticator's verify", authenticator?.verify);
  return new IdentityCache(authenticator, toCacheSettings("createCachedAuthenticator", options));
}

/** The settings that these options describe. @throws `VALIDATION` */
export function toCacheSettings(functionName: string, options: CacheOptions): CacheSettings {
  requireNumbers(functionName, options, {
    ttlSeconds: 0,
    maxStaleSeconds: 0,
    negativeTtlSeconds: 0,
    maxEntries: 1,
    maxNegativeEntries: 0,
  });
  const { ttlSeconds = 60, maxStaleSeconds = Math.max(180, ttlSeconds), negativeTtlSeconds = 10 } = options;
  if (maxStaleSeconds < ttlSeconds) {
    throw new AtlasError(
      "VALIDATION",
      `${functionName} needs maxStaleSeconds (${maxStaleSeconds}) to be at least ttlSeconds (${ttlSeconds}).`,
    );
  }
  const { maxEntries = 10_000, maxNegativeEntries = 1_000, clock = systemClock } = options;
  return { ttlSeconds, maxStaleSeconds, negativeTtlSeconds, maxEntries, maxNegativeEntries, clock };
}
