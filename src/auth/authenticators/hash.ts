import type { Clock } from "../../clock.ts";
import { requireFunction, requireKnownOptions, requireNumbers } from "../options.ts";
import { hashToken } from "../token.ts";
import { withinSeconds } from "../within-seconds.ts";
import { type Authenticator, nameOf, outage, rejected } from "./authenticator.ts";
import { type CacheOptions, cacheOptionNames, toCacheSettings } from "./cached.ts";
import { type CachedAuthenticator, IdentityCache } from "./identity-cache.ts";

/** What {@link createHashAuthenticator} takes. */
export interface HashAuthenticatorOptions<Identity> extends CacheOptions {
  /** Whom this hash belongs to, `null` for nobody. Whatever it throws is an outage, never a rejection. */
  readonly lookup: (hash: string) => Promise<Identity | null | undefined> | Identity | null | undefined;
  /** How long a lookup may take; afterwards it counts as an outage. @default 10 */
  readonly timeoutSeconds?: number | undefined;
}

const FUNCTION = "createHashAuthenticator";

/**
 * Makes an authenticator for tokens of which only the hash is stored, see {@link hashToken}. It remembers answers as
 * {@link createCachedAuthenticator} does.
 *
 * @throws `VALIDATION` when an option is not valid.
 *
 * @example
 * ```ts
 * import { createHashAuthenticator, mintToken } from "atlas-compute/auth";
 *
 * const { token, hash } = mintToken();
 * const users = new Map([[hash, { userId: "user_42" }]]);
 * const authenticator = createHashAuthenticator({ lookup: async (hash) => users.get(hash) });
 * console.log(await authenticator.verify(token)); // { userId: "user_42" }
 * authenticator.revoke(hash);
 * ```
 */
export function createHashAuthenticator<Identity>(
  options: HashAuthenticatorOptions<Identity>,
): CachedAuthenticator<Identity> {
  requireKnownOptions(FUNCTION, options, ["lookup", "timeoutSeconds", ...cacheOptionNames]);
  requireFunction(FUNCTION, "lookup", options.lookup);
  requireNumbers(FUNCTION, options, { timeoutSeconds: 0.001 });
  const { lookup, timeoutSeconds = 10 } = options;
  const settings = toCacheSettings(FUNCTION, options);
  return new IdentityCache(lookingUp(lookup, timeoutSeconds, settings.clock), settings);
}

function lookingUp<Identity>(
  lookup: HashAuthenticatorOptions<Identity>["lookup"],
  seconds: number,
  clock: Clock,
): Authenticator<Identity> {
  const error = (): Error => outage(`its lookup took longer than ${seconds} seconds`);
  const find = async (hash: string): Promise<Identity | null | undefined> => {
    try {
      return await lookup(hash);
    } catch (thrown) {
      throw outage(`its lookup failed with ${nameOf(thrown)}`);
    }
  };
  return {
    verify: async (token) => {
      const identity = await withinSeconds(clock, { seconds, error }, () => find(hashToken(String(token))));
      if (identity === null || identity === undefined) throw rejected();
      return identity;
    },
  };
}
