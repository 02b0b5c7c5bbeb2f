/** The changes that take every credential out of a request that goes on. */
import { withoutCookies } from "../../auth/links/cookie.ts";
import { judgeAuthorization, remainingSubprotocols } from "./authorization.ts";
import { isBelowPrefix } from "./credentials.ts";
import type { GuardCredential, GuardHeader, GuardRequest, HeaderEdits } from "./request.ts";
import { isSigned } from "./signature.ts";
import type { GuardState } from "./state.ts";

const BROWSERS_ORIGIN = /^https?:\/\/(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?(?=\/|$)/;

/** Headers by which some servers replace the method or the path that the guard has judged. */
const REPLACING: readonly GuardHeader[] = [
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-original-uri",
  "x-original-url",
  "x-rewrite-url",
  "x-script-name",
];
/** Requests that may have one path, or a folder, and some methods. Any other credential opens all of them. */
const NARROW: ReadonlySet<GuardCredential> = new Set(["none", "signed-url", "prefix"]);

/** Returns the headers of a request that have to change, and no others. A token that admitted the request is not judged again. */
export function requestEdits(
  request: GuardRequest,
  credential: GuardCredential,
  cookieNames: readonly string[],
  state: GuardState,
): HeaderEdits {
  const edits: Record<string, string | undefined> = {};
  if (credential === "bearer" || judgeAuthorization(request, state).isOurs) edits.authorization = undefined;
  const subprotocols = remainingSubprotocols(request);
  if (subprotocols !== undefined) edits["sec-websocket-protocol"] = subprotocols || undefined;
  const cookie = request.header("cookie");
  const otherCookies = cookie === undefined ? undefined : withoutCookies(cookie, cookieNames);
  if (otherCookies !== cookie) edits.cookie = otherCookies || undefined;
  const referer = request.header("referer");
  if (referer !== undefined && holdsCredential(referer)) edits.referer = originOf(referer);
  if (NARROW.has(credential))
    for (const name of REPLACING) if (request.header(name) !== undefined) edits[name] = undefined;
  return edits;
}

function holdsCredential(referer: string): boolean {
  const [target = ""] = referer.split("#", 1);
  const [path = ""] = target.split("?", 1);
  const query = target.slice(path.length + 1);
  return isBelowPrefix(path.replace(/^https?:\/\/[^/]*/i, "")) || isSigned(query);
}

/** Returns the origin of a URL as browsers write it; the header goes where it holds another text. */
function originOf(referer: string): string | undefined {
  return BROWSERS_ORIGIN.exec(referer)?.[0];
}
