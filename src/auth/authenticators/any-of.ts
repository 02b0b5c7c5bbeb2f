import { AtlasError } from "../../errors.ts";
import { requireFunction } from "../options.ts";
import { type Authenticator, rejected, toRefusal } from "./authenticator.ts";

/** One authenticator for each of these identities. */
type Each<Identities extends readonly unknown[]> = {
  readonly [Index in keyof Identities]: Authenticator<Identities[Index]>;
};

/**
 * Makes one authenticator of several, asked in this order until one knows the credential: put first what needs to ask nobody.
 * When none knows it, it is rejected only if all of them rejected it: while one could not say, nobody can.
 *
 * @throws `VALIDATION` without authenticators.
 *
 * @example
 * ```ts
 * import { anyOf, createHashAuthenticator, createHmacAuthenticator } from "atlas-compute/auth";
 *
 * const authenticator = anyOf(
 *   createHmacAuthenticator({ secret: "a secret" }),
 *   createHashAuthenticator({ lookup: async (hash) => ({ hash }) }),
 * );
 * ```
 */
export function anyOf<Identities extends readonly unknown[]>(
  ...authenticators: Each<Identities>
): Authenticator<Identities[number]> {
  const each: readonly Authenticator<Identities[number]>[] = authenticators;
  if (each.length === 0) throw new AtlasError("VALIDATION", "anyOf needs at least one authenticator.");
  for (const authenticator of each)
    requireFunction("anyOf", "each authenticator's verify", authenticator?.verify);
  return { verify: (candidate) => firstToKnow(each, candidate) };
}

async function firstToKnow<Identity>(
  authenticators: readonly Authenticator<Identity>[],
  candidate: unknown,
): Promise<Identity> {
  let unavailable: AtlasError | undefined;
  for (const authenticator of authenticators) {
    try {
      return await authenticator.verify(candidate);
    } catch (thrown) {
      const error = toRefusal(thrown, "an authenticator");
      if (error.code === "UNAVAILABLE") unavailable ??= error;
    }
  }
  throw unavailable ?? rejected();
}
