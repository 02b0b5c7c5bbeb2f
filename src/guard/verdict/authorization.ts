/** Tokens in `Authorization` and in the subprotocols of a WebSocket. */
import { timingSafeEqual } from "node:crypto";
import { sha256 } from "../../auth/constant-time.ts";
import { bearerToken } from "../../internal/bearer.ts";
import { isToken } from "../../internal/token-shape.ts";
import type { GuardRequest, RefusalReason } from "./request.ts";
import type { GuardState } from "./state.ts";

/** The subprotocol that a browser offers beside its token when it opens a WebSocket, and the only one that the guard answers. */
export const SUBPROTOCOL = "atlas.v1";

const TOKEN_SUBPROTOCOL = "atlas.bearer.";
const MINTED = /^[A-Za-z0-9][\w-]{42}$/;
/** A minted token in a header that two servers could read in two ways: behind a comma or a tab. */
const HIDDEN = /\bbearer[\s,]+[\w-]{43}(?![\w-])/i;

/** The finding about a token: accepted, refused, or unknown to the list, by its digest. */
export type TokenFinding =
  | { readonly kind: "accepted" }
  | { readonly kind: "refused"; readonly reason: RefusalReason }
  | { readonly kind: "unknown"; readonly digest: string };

/** An `Authorization` header. One that is not ours belongs to the server behind, and decides nothing. */
export type AuthorizationFinding =
  | (TokenFinding & { readonly isOurs: true })
  | { readonly isOurs: false; readonly reason: RefusalReason | undefined };

/** Judges the `Authorization` header. It is ours when its token is accepted, or has the form of a minted token. */
export function judgeAuthorization(request: GuardRequest, state: GuardState): AuthorizationFinding {
  const authorization = request.header("authorization");
  if (authorization === undefined) return { isOurs: false, reason: undefined };
  const token = bearerToken(authorization);
  if (token === undefined || token.includes(",")) {
    const reason = "malformed";
    return HIDDEN.test(authorization) ? { isOurs: true, kind: "refused", reason } : { isOurs: false, reason };
  }
  const finding = judgeToken(token, state);
  const isOurs = finding.kind === "accepted" || /^[\w-]{43}$/.test(token);
  return isOurs ? { isOurs, ...finding } : { isOurs, reason: "bad_token" };
}

/** Judges the token among the offered subprotocols; `undefined` when there is none. */
export function judgeSubprotocols(request: GuardRequest, state: GuardState): TokenFinding | undefined {
  if (request.header("upgrade")?.toLowerCase() !== "websocket") return undefined;
  const offered = offeredSubprotocols(request);
  const [token, ...others] = offered.filter(holdsToken);
  if (token === undefined) return undefined;
  if (!offered.includes(SUBPROTOCOL) || others.length > 0) return { kind: "refused", reason: "malformed" };
  return judgeToken(token.slice(TOKEN_SUBPROTOCOL.length), state);
}

/** Returns the offered subprotocols without every token, also where nothing is upgraded; `undefined` when there is no token. */
export function remainingSubprotocols(request: GuardRequest): string | undefined {
  const offered = offeredSubprotocols(request);
  return offered.some(holdsToken) ? offered.filter((name) => !holdsToken(name)).join(", ") : undefined;
}

function judgeToken(token: string, state: GuardState): TokenFinding {
  if (!isToken(token) || !state.schemes.has("bearer")) return { kind: "refused", reason: "bad_token" };
  const digest = sha256(token);
  if (isAccepted(digest, state)) return { kind: "accepted" };
  if (!MINTED.test(token)) return { kind: "refused", reason: "bad_token" };
  return { kind: "unknown", digest: digest.toString("hex") };
}

/** Compares with every hash, so that the time does not reveal the matching one. */
function isAccepted(digest: Buffer, { hashes, now }: GuardState): boolean {
  let found = false;
  for (const { hash, expiresAt } of hashes)
    if (expiresAt === null || now < expiresAt) found = timingSafeEqual(digest, hash) || found;
  return found;
}

function offeredSubprotocols(request: GuardRequest): string[] {
  const offered = request.header("sec-websocket-protocol")?.split(",") ?? [];
  return offered.map((name) => name.trim());
}

function holdsToken(subprotocol: string): boolean {
  return subprotocol.startsWith(TOKEN_SUBPROTOCOL);
}
