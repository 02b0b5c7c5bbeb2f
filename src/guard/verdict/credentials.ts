import { timingSafeEqual } from "node:crypto";
import { sha256 } from "../../auth/constant-time.ts";
import { parseQuery, type UrlParts } from "../../auth/signed-url/canonical.ts";
import { verifySignedUrl } from "../../auth/signed-url/verify.ts";
import { bearerToken } from "../../internal/bearer.ts";
import { isToken } from "../../internal/token-shape.ts";
import type { GuardCredential, GuardRequest, RefusalReason } from "./request.ts";
import type { GuardState } from "./state.ts";

/** The subprotocol that a browser offers beside its token when it opens a WebSocket, and the only one that the guard answers. */
export const SUBPROTOCOL = "atlas.v1";

const TOKEN_SUBPROTOCOL = "atlas.bearer.";

/** The credential that admits a request, or the reason of its refusal. */
export type CredentialFinding = { readonly credential: GuardCredential } | { readonly reason: RefusalReason };

/**
 * Judges the first credential of a request, in this order: `Authorization`, a WebSocket's token, the signature.
 * A wrong credential refuses the request even where a later one is right.
 */
export function findCredential(
  request: GuardRequest,
  target: UrlParts,
  state: GuardState,
): CredentialFinding {
  if (state.hashes.length === 0 && state.signingSecrets.length === 0) return { reason: "unconfigured" };
  const authorization = request.header("authorization");
  if (authorization !== undefined) return judgeToken(singleToken(authorization), "bearer", state);
  const offered = offeredSubprotocols(request);
  const tokens = offered.filter(holdsToken);
  if (tokens.length > 0) return judgeToken(pairedToken(offered, tokens), "subprotocol", state);
  return isSigned(target.query) ? judgeSignature(target, state) : { reason: "missing" };
}

/** Returns the offered subprotocols without the token, or `undefined` when there was no token. */
export function remainingSubprotocols(request: GuardRequest): string | undefined {
  const offered = offeredSubprotocols(request);
  return offered.some(holdsToken) ? offered.filter((name) => !holdsToken(name)).join(", ") : undefined;
}

/** Removes the signature that the guard has checked from a query. */
export function withoutSignature(query: string): string {
  if (!isSigned(query)) return query;
  return query
    .split("&")
    .filter((pair) => !isSignaturePart(pair))
    .join("&");
}

/** A comma joins the values of several headers, so a token with a comma is not one token. */
function singleToken(authorization: string): string | undefined {
  const token = bearerToken(authorization);
  return token?.includes(",") ? undefined : token;
}

function judgeToken(
  token: string | undefined,
  credential: GuardCredential,
  state: GuardState,
): CredentialFinding {
  if (token === undefined) return { reason: "malformed" };
  if (!isToken(token)) return { reason: "bad_token" };
  const digest = sha256(token);
  let isAccepted = false;
  // The loop compares every hash, so that its time does not reveal the matching one.
  for (const { hash, expiresAt } of state.hashes)
    if (expiresAt === null || state.now < expiresAt) isAccepted = timingSafeEqual(digest, hash) || isAccepted;
  return isAccepted ? { credential } : { reason: "bad_token" };
}

function judgeSignature({ path, query }: UrlParts, { signingSecrets, now }: GuardState): CredentialFinding {
  const result = verifySignedUrl(`${path}?${query}`, { secret: signingSecrets, now: now / 1000 });
  return result.ok ? { credential: "signed-url" } : { reason: result.reason };
}

function offeredSubprotocols(request: GuardRequest): string[] {
  if (request.header("upgrade")?.toLowerCase() !== "websocket") return [];
  const offered = request.header("sec-websocket-protocol")?.split(",") ?? [];
  return offered.map((name) => name.trim());
}

function pairedToken(offered: readonly string[], tokens: readonly string[]): string | undefined {
  const [token, ...others] = tokens;
  return offered.includes(SUBPROTOCOL) && others.length === 0
    ? token?.slice(TOKEN_SUBPROTOCOL.length)
    : undefined;
}

function holdsToken(subprotocol: string): boolean {
  return subprotocol.startsWith(TOKEN_SUBPROTOCOL);
}

function isSigned(query: string): boolean {
  const keys = new Set(parseQuery(query).map(([key]) => key));
  return keys.has("exp") && keys.has("sig");
}

function isSignaturePart(pair: string): boolean {
  const key = parseQuery(pair)[0]?.[0];
  return key === "exp" || key === "sig";
}
