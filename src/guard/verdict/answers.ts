import { AtlasError } from "../../errors.ts";
import type { Readiness } from "../../internal/readiness.ts";
import { preflightHeaders } from "./cors.ts";
import type { GuardAnswer, GuardRequest, HeaderMap, RefusalReason } from "./request.ts";
import type { GuardState } from "./state.ts";

/** The time that a caller should wait before it asks a starting pod again. */
const RETRY_AFTER_SECONDS = 2;

/** The same body for every reason, so that a guessing caller learns nothing. */
const UNAUTHORIZED_BODY = problemBody(
  new AtlasError("UNAUTHORIZED", "This pod needs a valid credential: a bearer token or a signed URL."),
);

const UNAVAILABLE_BODY = problemBody(
  new AtlasError(
    "UNAVAILABLE",
    "This pod cannot check the credential now, because its control plane does not answer.",
    { retryAfterSeconds: RETRY_AFTER_SECONDS },
  ),
);

const PROBLEM: HeaderMap = { "cache-control": "no-store", "content-type": "application/problem+json" };
const STARTING: HeaderMap = { "retry-after": String(RETRY_AFTER_SECONDS) };

/** Makes a 401. Its reason is for the log alone. */
export function refusal(reason: RefusalReason, cors: HeaderMap): GuardAnswer {
  const headers = { ...PROBLEM, "www-authenticate": "Bearer", "x-atlas-refusal": "1", ...cors };
  return { kind: "refused", status: 401, headers, body: UNAUTHORIZED_BODY, reason };
}

/** Makes the 503 of a guard that cannot judge a credential, because its control plane has not answered. */
export function unavailableAnswer(cors: HeaderMap): GuardAnswer {
  const headers = { ...PROBLEM, ...STARTING, ...cors };
  return { kind: "unavailable", status: 503, headers, body: UNAVAILABLE_BODY };
}

/** Makes the 303 that leaves the cookie in a browser, and shows the page of an opening link. */
export function openedAnswer(to: string, setCookie: string): GuardAnswer {
  const headers = {
    location: to,
    "set-cookie": setCookie,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
  };
  return { kind: "opened", status: 303, headers, body: "" };
}

/** Makes the 204 that answers a preflight. */
export function preflightAnswer(request: GuardRequest): GuardAnswer {
  return { kind: "preflight", status: 204, headers: preflightHeaders(request), body: "" };
}

/** Makes a 200, or a 503 while the server behind is starting. */
export function readinessAnswer(state: GuardState, cors: HeaderMap): GuardAnswer {
  const isStarting = state.standing === "starting";
  const isReady = !isStarting && state.isReady();
  const status = isReady ? "ready" : "starting";
  const { computeId } = state;
  const readiness: Readiness = isStarting
    ? { computeId, status, waitingFor: "control-plane" }
    : { computeId, status };
  const headers = { "cache-control": "no-store", "content-type": "application/json", ...cors };
  return {
    kind: "readiness",
    status: isReady ? 200 : 503,
    headers: isReady ? headers : { ...headers, ...STARTING },
    body: JSON.stringify(readiness),
  };
}

/** Makes the 204 that answers an explicit heartbeat. */
export function heartbeatAnswer(cors: HeaderMap): GuardAnswer {
  return { kind: "heartbeat", status: 204, headers: { "cache-control": "no-store", ...cors }, body: "" };
}

/** Makes the proxy's own answers: 503 while nothing listens behind it, 502 when the server behind closed the connection. */
export function unreachableAnswer(isStarting: boolean): { status: number; headers: HeaderMap; body: string } {
  if (!isStarting)
    return {
      status: 502,
      headers: PROBLEM,
      body: problemBody(
        new AtlasError(
          "TRANSPORT",
          "The server behind the guard closed the connection before it had answered.",
        ),
      ),
    };
  const error = new AtlasError("UNAVAILABLE", "The server behind the guard is starting.", {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
  return { status: 503, headers: { ...PROBLEM, ...STARTING }, body: problemBody(error) };
}

function problemBody(error: AtlasError): string {
  return JSON.stringify(error.toProblem());
}
