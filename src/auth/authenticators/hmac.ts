import { type HmacIdentity, verifyHmacToken } from "../hmac-token.ts";
import { requireKnownOptions, requireSecret } from "../options.ts";
import { type Authenticator, rejected } from "./authenticator.ts";

/** What {@link createHmacAuthenticator} takes. */
export interface HmacAuthenticatorOptions {
  /** The secret that tokens are made with; several while it is being rotated. */
  readonly secret: string | readonly string[];
}

/**
 * Makes an authenticator for tokens of {@link mintHmacToken}. It asks nobody, so it is never `UNAVAILABLE`.
 *
 * @throws `VALIDATION` when there is no secret, or one of them is empty.
 *
 * @example
 * ```ts
 * import { createHmacAuthenticator, mintHmacToken } from "atlas-compute/auth";
 *
 * const authenticator = createHmacAuthenticator({ secret: ["new secret", "old secret"] });
 * const token = mintHmacToken({ secret: "old secret", workspaceId: "ws_a", threadId: "thr_1" });
 * console.log(await authenticator.verify(token)); // { workspaceId: "ws_a", threadId: "thr_1" }
 * ```
 */
export function createHmacAuthenticator(options: HmacAuthenticatorOptions): Authenticator<HmacIdentity> {
  requireKnownOptions("createHmacAuthenticator", options, ["secret"]);
  const secrets = [options.secret].flat();
  for (const secret of secrets.length === 0 ? [undefined] : secrets)
    requireSecret("createHmacAuthenticator", secret);
  return {
    verify: async (candidate) => {
      const verification = verifyHmacToken(candidate, { secret: secrets });
      if (!verification.ok) throw rejected();
      return { workspaceId: verification.workspaceId, threadId: verification.threadId };
    },
  };
}
