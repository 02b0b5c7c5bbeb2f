/** The judgement on an answer to a probe: a proof that the pod is ready, or none. Pure. */
import type { Edge } from "../provider.ts";
import { type Answer, type ExpectedAnswer, unexpected } from "./expect.ts";

/** The facts about a probe beside its answer. */
export interface ProbeFacts {
  /** The layer that may answer in the pod's place. */
  readonly edge?: Edge | undefined;
  readonly expect?: ExpectedAnswer | undefined;
  /** True when the caller named the path. Without one, the pod's own answer counts, whatever its status. */
  readonly hasPath: boolean;
  /** True when a refusal that asks for a token is the answer of a pod that wants one, and none was shown. */
  readonly mayRefuse: boolean;
  /** True when the guard of this very compute has answered on the port. No edge stands between it and a further answer. */
  readonly isIdentified: boolean;
}

/** The doubt about a page where a server's answer was expected. */
export const PAGE = "a page, which may be a placeholder: say which path to ask, or what to expect";

/** The reason why this answer is no proof; `undefined` when it is one. */
export function doubt(answer: Answer, facts: ProbeFacts): string | undefined {
  const { edge, expect, hasPath, isIdentified, mayRefuse } = facts;
  const { status } = answer;
  if (!isIdentified && edge !== undefined) {
    if (edge.placeholders?.some((text) => answer.body.includes(text))) return "a placeholder of the provider";
    if (expect === undefined && isPage(answer)) return PAGE;
  }
  if (expect !== undefined) return unexpected(answer, expect);
  if (isOfProxy(status, isIdentified ? undefined : edge)) return `${status}, which a proxy may answer`;
  if (!hasPath && !isIdentified && isSuccess(status) && isPage(answer)) return PAGE;
  if (isSuccess(status) || (mayRefuse && isChallenge(answer))) return undefined;
  if (hasPath) return `${status}`;
  return edge === undefined || isIdentified
    ? undefined
    : `${status}, which the provider's edge may answer: say which path to ask, or what to expect`;
}

function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299;
}

/** A refusal that asks for a bearer token comes from what checks tokens: a server that is up. */
function isChallenge({ status, headers }: Answer): boolean {
  return status === 401 && /^bearer\b/i.test(headers.get("www-authenticate") ?? "");
}

function isPage({ headers, status, body }: Answer): boolean {
  return (
    (headers.get("content-type") ?? "").includes("html") ||
    (isSuccess(status) && /^\s*<(?:!doctype|html)/i.test(body))
  );
}

function isOfProxy(status: number, edge: Edge | undefined): boolean {
  const isUsual = [502, 503, 504].includes(status) || (status >= 520 && status <= 530);
  return isUsual || (edge?.statuses?.includes(status) ?? false);
}
