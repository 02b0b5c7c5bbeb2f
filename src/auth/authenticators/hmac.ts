import { parseFields } from "../../internal/parse.ts";
import { type HmacIdentity, verifyHmacToken } from "../hmac-token.ts";
import { secretsField } from "../options.ts";
import { type Authenticator, rejected } from "./authenticator.ts";

/** The options of {@link createHmacAuthenticator}. */
export interface HmacAuthenticatorOptions {
  /** The secret that tokens are made with; several while it is being rotated. */
  readonly secret: string | readonly string[];
}

/**
 * Makes an authenticator for tokens of {@link mintHmacToken}. It asks no other service, so it is never `UNAVAILABLE`.
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
  const { secret } = parseFields("The options of createHmacAuthenticator", { secret: secretsField }, options);
  return {
    verify: async (candidate) => {
      const verification = verifyHmacToken(candidate, { secret });
      if (!verification.ok) throw rejected();
      return { workspaceId: verification.workspaceId, threadId: verification.threadId };
    },
  };
}
