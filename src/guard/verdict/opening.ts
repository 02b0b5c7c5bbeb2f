/** Opening links: the guard turns a link into a cookie, and shows the page that the link names. */
import { mintCookie } from "../../auth/links/cookie.ts";
import { type OpeningLinkVerification, verifyOpeningLink } from "../../auth/links/opening.ts";
import type { GuardRequest, RefusalReason } from "./request.ts";
import { isUpgrade } from "./signature.ts";
import type { GuardState } from "./state.ts";

/** The outcome of an opening link: where to go, and with which `Set-Cookie`. */
export type Opening =
  | { readonly kind: "opened"; readonly to: string; readonly setCookie: string }
  | { readonly kind: "refused"; readonly reason: RefusalReason };

/**
 * Judges a request for an opening link. Only a tab that a person opens may have the cookie: no frame, no script, and no browser that loads a
 * link ahead.
 */
export function openLink(request: GuardRequest, query: string, state: GuardState): Opening {
  const dest = request.header("sec-fetch-dest");
  const isTab = dest === undefined || dest === "document";
  if (request.method !== "GET" || isUpgrade(request) || request.header("sec-purpose") !== undefined || !isTab)
    return { kind: "refused", reason: "not_allowed" };
  const now = state.now / 1000;
  const verified = verifyLink(query, state);
  if (!verified.ok) return { kind: "refused", reason: verified.reason };
  const { at, to, seconds } = verified;
  // A link is signed by the newest secret or by an older one during a rotation; any of them verifies the cookie.
  const [secret = ""] = state.signingSecrets;
  const setCookie = mintCookie({ secret, at, seconds, computeId: state.computeId, now });
  return { kind: "opened", to, setCookie };
}

function verifyLink(query: string, { schemes, signingSecrets, now }: GuardState): OpeningLinkVerification {
  const secret = schemes.has("cookie") ? signingSecrets : [];
  return verifyOpeningLink(query, { secret, now: now / 1000 });
}
