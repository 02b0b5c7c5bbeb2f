import { splitUrl, type UrlParts } from "../../auth/signed-url/canonical.ts";
import { READINESS_PATH } from "../../internal/readiness.ts";
import { heartbeatAnswer, preflightAnswer, readinessAnswer, refusal } from "./answers.ts";
import { corsHeaders, isPreflight } from "./cors.ts";
import { findCredential, remainingSubprotocols, withoutSignature } from "./credentials.ts";
import { isPublic } from "./public-paths.ts";
import {
  type GuardCredential,
  type GuardPass,
  type GuardRequest,
  type GuardVerdict,
  HEARTBEAT_PATH,
  type HeaderMap,
} from "./request.ts";
import type { GuardState } from "./state.ts";

const READINESS_PATHS: readonly string[] = [READINESS_PATH];

/**
 * Decides about a request in a state, without any effect. Every kind of server translates this verdict; none decides by itself.
 */
export function decide(request: GuardRequest, state: GuardState): GuardVerdict {
  const headers = corsHeaders(request, state.origins);
  if (request.isAmbiguous) return refusal("malformed", headers);
  if (isPreflight(request, state.origins)) return preflightAnswer(request);
  const target = splitTarget(request.url);
  if (target === undefined) return refusal("malformed", headers);
  if (isPublic(request.method, target.path, READINESS_PATHS)) return readinessAnswer(state, headers);
  if (isPublic(request.method, target.path, state.publicPaths))
    return pass(request, target, "none", state, headers);
  const finding = findCredential(request, target, state);
  if ("reason" in finding) return refusal(finding.reason, headers);
  if (request.method === "POST" && target.path === HEARTBEAT_PATH) return heartbeatAnswer(headers);
  return pass(request, target, finding.credential, state, headers);
}

/**
 * Splits a URL. A fragment is malformed, because servers disagree about the text after the `#`; so is a path that begins with two
 * slashes, which some servers take for a host.
 */
function splitTarget(url: string): UrlParts | undefined {
  const parts = splitUrl(url);
  if (parts === undefined || parts.fragment !== "" || parts.path.startsWith("//")) return undefined;
  return parts.path === "" ? { ...parts, path: "/" } : parts;
}

function pass(
  request: GuardRequest,
  { path, query }: UrlParts,
  credential: GuardCredential,
  state: GuardState,
  headers: HeaderMap,
): GuardPass {
  const rest = state.signingSecrets.length > 0 ? withoutSignature(query) : query;
  const url = rest === "" ? path : `${path}?${rest}`;
  return { kind: "pass", credential, url, subprotocols: remainingSubprotocols(request), headers };
}
