import { timingSafeEqual } from "node:crypto";
import { sha256 } from "../../auth/constant-time.ts";
import { parseQuery, type UrlParts } from "../../auth/signed-url/canonical.ts";
import { verifySignedUrl } from "../../auth/signed-url/verify.ts";
import { isToken } from "../../auth/token.ts";
import type { Credential, GuardRequest, RefusalReason } from "./request.ts";
import type { GuardState } from "./state.ts";

/** What a browser offers beside its token when it opens a WebSocket, and all that is answered. */
export const SUBPROTOCOL = "atlas.v1";

const TOKEN_SUBPROTOCOL = "atlas.bearer.";
/** The scheme in any case, then a token: visible ASCII but the comma that joins several values. */
const BEARER = /^bearer +([!-+\--~]+)$/i;

/** By what a request is let through, or why it is not. */
export type Finding = { readonly credential: Credential } | { readonly reason: RefusalReason };

/**
 * Judges the first credential a request has: `Authorization`, then a WebSocket's token, then the signature.
 * One that is there and wrong is not made good by another.
 */
export function findCredential(request: GuardRequest, target: UrlParts, state: GuardState): Finding {
  if (state.hashes.length === 0 && state.signingSecrets.length === 0) return { reason: "unconfigured" };
  const authorization = request.header("authorization");
  if (authorization !== undefined) return judgeToken(BEARER.exec(authorization)?.[1], "bearer", state);
  const offered = offeredSubprotocols(request);
  const tokens = offered.filter(holdsToken);
  if (tokens.length > 0) return judgeToken(pairedToken(offered, tokens), "subprotocol", state);
  return isSigned(target.query) ? judgeSignature(target, state) : { reason: "missing" };
}

/** The subprotocols that go on, without the token; `undefined` when there was none. */
export function remainingSubprotocols(request: GuardRequest): string | undefined {
  const offered = offeredSubprotocols(request);
  return offered.some(holdsToken) ? offered.filter((name) => !holdsToken(name)).join(", ") : undefined;
}

/** A query without the signature that the guard checked. */
export function withoutSignature(query: string): string {
  if (!isSigned(query)) return query;
  return query
    .split("&")
    .filter((pair) => !isSignaturePart(pair))
    .join("&");
}

function judgeToken(token: string | undefined, credential: Credential, state: GuardState): Finding {
  if (token === undefined) return { reason: "malformed" };
  if (!isToken(token)) return { reason: "bad_token" };
  const digest = sha256(token);
  let isAccepted = false;
  // Every hash is compared, so that the time tells nothing about which one it was.
  for (const { hash, expiresAt } of state.hashes)
    if (expiresAt === null || state.now < expiresAt) isAccepted = timingSafeEqual(digest, hash) || isAccepted;
  return isAccepted ? { credential } : { reason: "bad_token" };
}

function judgeSignature({ path, query }: UrlParts, { signingSecrets, now }: GuardState): Finding {
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
