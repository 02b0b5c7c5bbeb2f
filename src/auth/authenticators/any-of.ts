import type { AtlasError } from "../../errors.ts";
import { invalid } from "../../internal/parse.ts";
import { type Authenticator, rejected, toVerifyError } from "./authenticator.ts";
import { problemsOfAuthenticator } from "./problems.ts";

/** One authenticator for each of these identities. */
type Each<Identities extends readonly unknown[]> = {
  readonly [Index in keyof Identities]: Authenticator<Identities[Index]>;
};

/**
 * Makes one authenticator of several. They are asked in this order until one knows the credential: put first those that ask no other
 * service. When none knows it, it is rejected only if all of them rejected it; while one cannot say, the answer is `UNAVAILABLE`.
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
  const none = { field: "authenticators", received: "nothing", allowed: "at least one authenticator" };
  const problems = each.flatMap((one, index) => problemsOfAuthenticator(`authenticators[${index}]`, one));
  if (each.length === 0 || problems.length > 0)
    throw invalid("The arguments of anyOf", each.length === 0 ? [none] : problems);
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
      const error = toVerifyError(thrown, "an authenticator");
      if (error.code === "UNAVAILABLE") unavailable ??= error;
    }
  }
  throw unavailable ?? rejected();
}
