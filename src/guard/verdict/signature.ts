/** The signature in the query of a signed URL. */
import { parseQuery, type UrlParts } from "../../auth/signed-url/canonical.ts";
import { verifySignedUrl } from "../../auth/signed-url/verify.ts";
import type { GuardRequest, RefusalReason } from "./request.ts";
import type { GuardState } from "./state.ts";

/** Finds a signature: a genuine one is taken out of the query; `exp` and `sig` of the application's own stay. */
export type SignatureFinding =
  | { readonly isGenuine: true }
  | { readonly isGenuine: false; readonly reason: RefusalReason | undefined };

const NO_SIGNATURE: SignatureFinding = { isGenuine: false, reason: undefined };

/** Judges the signature of a path and its query, for any method. */
export function judgeSignature({ path, query }: UrlParts, state: GuardState): SignatureFinding {
  if (state.signingSecrets.length === 0 || !state.schemes.has("signed-url") || !isSigned(query))
    return NO_SIGNATURE;
  const verified = verifySignedUrl(`${path}?${query}`, {
    secret: state.signingSecrets,
    now: state.now / 1000,
  });
  return verified.ok ? { isGenuine: true } : { isGenuine: false, reason: verified.reason };
}

/** True when a signed URL opens requests like this one. */
export function isSignedMethod(request: GuardRequest, { signedMethods }: GuardState): boolean {
  return signedMethods.has(isUpgrade(request) ? "WEBSOCKET" : request.method);
}

/** True for a request that wants another protocol, whichever one that is. */
export function isUpgrade(request: GuardRequest): boolean {
  return request.header("upgrade") !== undefined;
}

/** True for a request that only reads. */
export function isRead(request: GuardRequest): boolean {
  return (request.method === "GET" || request.method === "HEAD") && !isUpgrade(request);
}

/** Removes the signature from a query, and leaves everything else as it came. */
export function withoutSignature(query: string): string {
  return query
    .split("&")
    .filter((pair) => !isSignaturePart(pair))
    .join("&");
}

/** True for a query with both parts of a signature. */
export function isSigned(query: string): boolean {
  if (query === "") return false;
  const keys = new Set(parseQuery(query).map(([key]) => key));
  return keys.has("exp") && keys.has("sig");
}

function isSignaturePart(pair: string): boolean {
  const key = parseQuery(pair)[0]?.[0];
  return key === "exp" || key === "sig";
}
