import type { Clock } from "../../clock.ts";
import { callable, numberField } from "../../internal/option-fields.ts";
import { field, parseFields } from "../../internal/parse.ts";
import { within } from "../../internal/within.ts";
import { hashToken } from "../token.ts";
import { type Authenticator, nameOf, outage, rejected } from "./authenticator.ts";
import { CACHE_FIELDS } from "./cache-fields.ts";
import { type CacheOptions, toCacheSettings } from "./cached.ts";
import { type CachedAuthenticator, IdentityCache } from "./identity-cache.ts";

/** The options of {@link createHashAuthenticator}. */
export interface HashAuthenticatorOptions<Identity> extends CacheOptions {
  /** Finds the owner of this hash; `null` when it has none. An error that it throws is an outage, never a rejection. */
  readonly lookup: (hash: string) => Promise<Identity | null | undefined> | Identity | null | undefined;
  /** The time in seconds that a lookup may take; a longer one is an outage. @default 10 */
  readonly timeoutSeconds?: number | undefined;
}

const WHAT = "The options of createHashAuthenticator";
const FIELDS = {
  lookup: field(callable<HashAuthenticatorOptions<unknown>["lookup"]>(), "a function of a hash"),
  timeoutSeconds: numberField(0.001, "a number of seconds"),
  ...CACHE_FIELDS,
};

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
  const { timeoutSeconds = 10, ...cache } = parseFields(WHAT, FIELDS, options);
  const settings = toCacheSettings(WHAT, cache);
  return new IdentityCache(lookingUp(options.lookup, timeoutSeconds, settings.clock), settings);
}

function lookingUp<Identity>(
  lookup: HashAuthenticatorOptions<Identity>["lookup"],
  seconds: number,
  clock: Clock,
): Authenticator<Identity> {
  const error = (): Error => outage(`the lookup took longer than ${seconds} seconds`);
  const find = async (hash: string): Promise<Identity | null | undefined> => {
    try {
      return await lookup(hash);
    } catch (thrown) {
      throw outage(`the lookup failed with ${nameOf(thrown)}`);
    }
  };
  return {
    verify: async (token) => {
      const identity = await within({ clock, seconds, error }, () => find(hashToken(String(token))));
      if (identity === null || identity === undefined) throw rejected();
      return identity;
    },
  };
}
