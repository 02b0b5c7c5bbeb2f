/** The order of the credentials: which one decides about a request. */
import { cookieMayAct, cookieNames, verifyCookie, withoutCookies } from "../../auth/links/cookie.ts";
import { verifySignedPrefix } from "../../auth/links/prefix.ts";
import type { UrlParts } from "../../auth/signed-url/canonical.ts";
import { judgeAuthorization, judgeSubprotocols, type TokenFinding } from "./authorization.ts";
import type { GuardCredential, GuardRequest, OpenedFolder, RefusalReason } from "./request.ts";
import { isRead, isSignedMethod, isUpgrade, type SignatureFinding } from "./signature.ts";
import type { GuardState } from "./state.ts";

/** The part of a path by which a prefix-signed URL is known. */
const PREFIX_CREDENTIAL = /^\/\.atlas\/[^/]+/;

/** The finding about a request: admitted by a credential, refused, or carrying a token that the list does not have. */
export type CredentialFinding =
  | {
      readonly kind: "admitted";
      readonly credential: GuardCredential;
      readonly path?: string;
      readonly folder?: OpenedFolder;
    }
  | { readonly kind: "refused"; readonly reason: RefusalReason }
  | { readonly kind: "unknown"; readonly digest: string };

/**
 * Judges the credentials of a request in their order: a prefix, a token in `Authorization`, a token among the subprotocols, a signature, a
 * cookie. Each of the first three decides alone. A signature that does not admit the request does not stop a cookie.
 */
export function findCredential(
  request: GuardRequest,
  target: UrlParts,
  signature: SignatureFinding,
  state: GuardState,
): CredentialFinding {
  if (isUnconfigured(state)) return refused("unconfigured");
  if (isBelowPrefix(target.path)) return judgePrefix(request, target.path, state);
  const authorization = judgeAuthorization(request, state);
  if (authorization.isOurs) return ofToken(authorization, "bearer");
  const offered = judgeSubprotocols(request, state);
  if (offered !== undefined) return ofToken(offered, "subprotocol");
  if (signature.isGenuine && isSignedMethod(request, state)) return admitted("signed-url");
  const cookie = judgeCookie(request, state);
  if (cookie.isAllowed) return admitted("cookie");
  const signed = signature.isGenuine ? "not_allowed" : signature.reason;
  return refused(authorization.reason ?? signed ?? cookie.reason ?? "missing");
}

/** A guard with a control plane may learn of a token at any time. */
function isUnconfigured({ hashes, signingSecrets, standing }: GuardState): boolean {
  return hashes.length === 0 && signingSecrets.length === 0 && standing === "alone";
}

/** True for a path that only a prefix-signed URL can have. */
export function isBelowPrefix(path: string): boolean {
  return path === "/.atlas" || path.startsWith("/.atlas/");
}

function judgePrefix(request: GuardRequest, path: string, state: GuardState): CredentialFinding {
  // A service worker below a prefix would outlive it, and see every request of its pages.
  if (!isRead(request) || request.header("service-worker") !== undefined) return refused("not_allowed");
  const secrets = state.schemes.has("signed-url") ? state.signingSecrets : [];
  const verified = verifySignedPrefix(path, { secret: secrets, now: state.now / 1000 });
  if (!verified.ok) return refused(verified.reason);
  const credential = PREFIX_CREDENTIAL.exec(path)?.[0] ?? "";
  const folder = { credential, prefix: verified.prefix, host: request.header("host") };
  return { kind: "admitted", credential: "prefix", path: verified.path, folder };
}

function judgeCookie(
  request: GuardRequest,
  { schemes, signingSecrets, computeId, now }: GuardState,
): { readonly isAllowed: boolean; readonly reason: RefusalReason | undefined } {
  const header = schemes.has("cookie") ? request.header("cookie") : undefined;
  const verified = verifyCookie(header, { secret: signingSecrets, computeId, now: now / 1000 });
  if (!verified.ok) {
    // A cookie of a later generation is a credential too, and a guard that is starting answers it like one.
    const holdsOurs = header !== undefined && withoutCookies(header, cookieNames(computeId)) !== header;
    return { isAllowed: false, reason: holdsOurs ? "bad_signature" : undefined };
  }
  const use = {
    method: request.method,
    isUpgrade: isUpgrade(request),
    site: request.header("sec-fetch-site"),
    mode: request.header("sec-fetch-mode"),
    dest: request.header("sec-fetch-dest"),
    origin: request.header("origin"),
  };
  return { isAllowed: cookieMayAct(use, verified.at), reason: "not_allowed" };
}

function ofToken(finding: TokenFinding, credential: GuardCredential): CredentialFinding {
  return finding.kind === "accepted" ? admitted(credential) : finding;
}

function admitted(credential: GuardCredential): CredentialFinding {
  return { kind: "admitted", credential };
}

function refused(reason: RefusalReason): CredentialFinding {
  return { kind: "refused", reason };
}
