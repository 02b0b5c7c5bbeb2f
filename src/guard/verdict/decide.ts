import { cookieNames } from "../../auth/links/cookie.ts";
import { OPENING_PATH } from "../../auth/links/opening.ts";
import { splitUrl, type UrlParts } from "../../auth/signed-url/canonical.ts";
import { READINESS_PATH } from "../../internal/readiness.ts";
import {
  heartbeatAnswer,
  openedAnswer,
  preflightAnswer,
  readinessAnswer,
  refusal,
  unavailableAnswer,
} from "./answers.ts";
import { corsHeaders, isPreflight } from "./cors.ts";
import { type CredentialFinding, findCredential } from "./credentials.ts";
import { openLink } from "./opening.ts";
import { isPublic } from "./public-paths.ts";
import {
  type GuardAnswer,
  type GuardPass,
  type GuardQuestion,
  type GuardRequest,
  type GuardVerdict,
  HEARTBEAT_PATH,
  type HeaderMap,
  type RefusalReason,
} from "./request.ts";
import { requestEdits } from "./request-edits.ts";
import { judgeSignature, type SignatureFinding, withoutSignature } from "./signature.ts";
import type { GuardState } from "./state.ts";

const READINESS_PATHS: readonly string[] = [READINESS_PATH];
/** Reasons that no answer of the control plane could change. */
const FINAL: ReadonlySet<RefusalReason> = new Set(["missing", "malformed", "unconfigured"]);

type Admitted = CredentialFinding & { readonly kind: "admitted" };

/** A request, its parts, and the CORS headers of its answer. */
interface Judged {
  readonly request: GuardRequest;
  readonly target: UrlParts;
  readonly signature: SignatureFinding;
  readonly headers: HeaderMap;
}

/**
 * Decides about a request in a state, without any effect. Every kind of server translates this verdict; none decides by itself.
 */
export function decide(request: GuardRequest, state: GuardState): GuardVerdict | GuardQuestion {
  const headers = corsHeaders(request, state.origins);
  if (request.isAmbiguous) return refusal("malformed", headers);
  if (isPreflight(request, state.origins)) return preflightAnswer(request);
  const target = splitTarget(request.url);
  if (target === undefined) return refusal("malformed", headers);
  if (isPublic(request.method, target.path, READINESS_PATHS)) return readinessAnswer(state, headers);
  if (target.path === OPENING_PATH) return open(request, target.query, state);
  const judged = { request, target, signature: judgeSignature(target, state), headers };
  if (isPublic(request.method, target.path, state.publicPaths))
    return pass(judged, { kind: "admitted", credential: "none" }, state);
  return conclude(judged, findCredential(request, target, judged.signature, state), state);
}

function conclude(
  judged: Judged,
  finding: CredentialFinding,
  state: GuardState,
): GuardVerdict | GuardQuestion {
  const { request, target, headers } = judged;
  const standing = answerOf(finding, state, headers);
  if (standing !== undefined) return standing;
  if (finding.kind === "refused") return refusal(finding.reason, headers);
  if (finding.kind === "unknown") return question(finding.digest, state, headers);
  if (request.method === "POST" && target.path === HEARTBEAT_PATH) return heartbeatAnswer(headers);
  return pass(judged, finding, state);
}

/** Without a control plane, an unknown token is a wrong one. */
function question(digest: string, { standing }: GuardState, headers: HeaderMap): GuardAnswer | GuardQuestion {
  const refused = refusal("bad_token", headers);
  if (standing === "alone") return refused;
  return { kind: "question", digest, refusal: refused, unavailable: unavailableAnswer(headers) };
}

/** The answer to every credential of a guard that does not know yet, or no longer, what it accepts. */
function answerOf(
  finding: CredentialFinding | { readonly kind: "opened" },
  { standing }: GuardState,
  headers: HeaderMap,
): GuardAnswer | undefined {
  if (standing === "alone" || standing === "settled") return undefined;
  if (finding.kind === "refused" && FINAL.has(finding.reason)) return undefined;
  return standing === "starting" ? unavailableAnswer(headers) : refusal("rejected", headers);
}

function open(request: GuardRequest, query: string, state: GuardState): GuardAnswer {
  const opening = openLink(request, query, state);
  const standing = answerOf(opening, state, {});
  if (standing !== undefined) return standing;
  return opening.kind === "refused"
    ? refusal(opening.reason, {})
    : openedAnswer(opening.to, opening.setCookie);
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
  { request, target, signature, headers }: Judged,
  admitted: Admitted,
  state: GuardState,
): GuardPass {
  const { credential, path = target.path, folder } = admitted;
  const query = signature.isGenuine ? withoutSignature(target.query) : target.query;
  // A query that came empty goes on empty, because the target goes on as it came.
  const hasQuery = query !== "" || (!signature.isGenuine && request.url.includes("?"));
  const url = hasQuery ? `${path}?${query}` : path;
  const names = cookieNames(state.computeId);
  const requestHeaders = requestEdits(request, credential, names, state);
  const verdict = { kind: "pass", credential, url, requestHeaders, headers, cookieNames: names } as const;
  return folder === undefined ? verdict : { ...verdict, folder };
}
