import { splitUrl, type UrlParts } from "../../auth/signed-url/canonical.ts";
import { READINESS_PATH } from "../../internal/readiness.ts";
import { HEARTBEAT_PATH } from "../life/heartbeat.ts";
import { heartbeatAnswer, preflightAnswer, readinessAnswer, refusal } from "./answers.ts";
import { corsHeaders, isPreflight } from "./cors.ts";
import { findCredential, remainingSubprotocols, withoutSignature } from "./credentials.ts";
import { isPublic } from "./public-paths.ts";
import type { Credential, GuardRequest, HeaderMap, Pass, Verdict } from "./request.ts";
import type { GuardState } from "./state.ts";

const GUARDS_OWN: readonly string[] = [READINESS_PATH];

/**
 * The guard's one decision, without any effect: what to do with this request in this state. Every server
 * translates its answer, none decides.
 */
export function decide(request: GuardRequest, state: GuardState): Verdict {
  if (isPreflight(request, state.origins)) return preflightAnswer(request);
  const headers = corsHeaders(request, state.origins);
  const target = splitTarget(request.url);
  if (target === undefined) return refusal("malformed", headers);
  if (isPublic(request.method, target.path, GUARDS_OWN)) return readinessAnswer(state, headers);
  if (isPublic(request.method, target.path, state.publicPaths))
    return pass(request, target, "none", state, headers);
  const finding = findCredential(request, target, state);
  if ("reason" in finding) return refusal(finding.reason, headers);
  if (request.method === "POST" && target.path === HEARTBEAT_PATH) return heartbeatAnswer(headers);
  return pass(request, target, finding.credential, state, headers);
}

/** A path with a fragment is none: servers disagree about what follows the `#`. */
function splitTarget(url: string): UrlParts | undefined {
  const parts = splitUrl(url);
  if (parts === undefined || (parts.origin === "" && parts.fragment !== "")) return undefined;
  return parts.path === "" ? { ...parts, path: "/" } : parts;
}

function pass(
  request: GuardRequest,
  { path, query }: UrlParts,
  credential: Credential,
  state: GuardState,
  headers: HeaderMap,
): Pass {
  const rest = state.signingSecrets.length > 0 ? withoutSignature(query) : query;
  const url = rest === "" ? path : `${path}?${rest}`;
  return { kind: "pass", credential, url, subprotocols: remainingSubprotocols(request), headers };
}
