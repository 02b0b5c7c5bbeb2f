import * as z from "zod/mini";
import type { Clock } from "../../clock.ts";
import { readText } from "../../internal/http-body.ts";
import { parseJson } from "../../internal/json.ts";
import { userAgent, version } from "../../internal/user-agent.ts";
import { within } from "../../internal/within.ts";
import { HEARTBEAT_ROUTE, type Heartbeat, type HeartbeatAnswer, heartbeatAnswerSchema } from "./heartbeat.ts";

const TIMEOUT_SECONDS = 10;
/** The redirects after which the same request may be sent again; a permanent 301 is one for a client that does not turn it into GET. */
const KEEPING_REDIRECTS: ReadonlySet<number> = new Set([301, 307, 308]);
/** The longest answer that is read, after decompression. */
const MAX_ANSWER_BYTES = 64 * 1024;
const STATUS_ROUTE = "/pod/status";
/** The report of a guard whose server listens. Its version is for `doctor`. */
const READY = { status: "ready", detail: `guard ${version}` };
/** The control plane names the credential that it rejects. Any other 401 comes from a server in front of it, such as a login. */
const rejectionSchema = z.object({
  code: z.literal("UNAUTHORIZED"),
  details: z.object({ credential: z.literal("pod") }),
});
/** A rate limit of the control plane itself; any other 429 comes from a server in front of it. */
const limitSchema = z.object({ code: z.literal("RATE_LIMIT"), retryable: z.literal(true) });

/** Where the control plane is, and the pod's own credential there. */
export interface ControlPlaneAccess {
  /** The URL of the control plane, without a slash at its end. */
  readonly url: string;
  readonly podToken: string;
}

/**
 * The outcome of a heartbeat. Only the control plane's own, recognisable answers are contact: an answer, a rejection of the pod's
 * credential, or a rate limit. A parked page, a login or a redirect is none, whatever its status is.
 */
export type HeartbeatOutcome =
  | { readonly kind: "answered"; readonly answer: HeartbeatAnswer }
  | { readonly kind: "rejected" }
  | { readonly kind: "limited" }
  | { readonly kind: "unreachable"; readonly why: string };

/** The calls that a guard makes to its control plane. None of them throws, and none follows a redirect to another place. */
export interface ControlPlaneClient {
  /** Sends a heartbeat. */
  heartbeat(heartbeat: Heartbeat, signal: AbortSignal): Promise<HeartbeatOutcome>;
  /** Reports that the server listens, so that the control plane looks at once. False when it has to be repeated. */
  reportReady(signal: AbortSignal): Promise<boolean>;
}

/** Makes the client of a control plane. */
export function createControlPlaneClient(
  { url, podToken }: ControlPlaneAccess,
  { fetch: send, clock }: { readonly fetch: typeof fetch; readonly clock: Clock },
): ControlPlaneClient {
  const ask = slashAware(send);
  const headers = {
    "user-agent": userAgent,
    "content-type": "application/json",
    authorization: `Bearer ${podToken}`,
  };
  const post = <Result>(
    path: string,
    body: object,
    signal: AbortSignal,
    read: (response: Response) => Promise<Result>,
  ): Promise<Result> =>
    within({ clock, seconds: TIMEOUT_SECONDS, signal, error: timeoutError }, async (limited) => {
      const init = { method: "POST", headers, body: JSON.stringify(body) };
      return read(await ask(`${url}${path}`, { ...init, redirect: "manual", signal: limited }));
    });
  return {
    heartbeat: (heartbeat, signal) => reached(() => post(HEARTBEAT_ROUTE, heartbeat, signal, readOutcome)),
    reportReady: (signal) =>
      post(STATUS_ROUTE, READY, signal, async ({ status }) => isTaken(status)).catch(() => false),
  };
}

/** True for an answer that a repeated report would get again. */
function isTaken(status: number): boolean {
  return status < 500 && status !== 408 && status !== 429;
}

/**
 * Asks again where a framework wants a slash at the end of every path, or none, and keeps this form from then on. No other redirect is
 * followed, because the pod's credential goes to the control plane only.
 */
function slashAware(send: typeof fetch): (url: string, init: RequestInit) => Promise<Response> {
  let slash = "";
  return async (url, init) => {
    const first = await send(`${url}${slash}`, init);
    const other = slash === "" ? "/" : "";
    if (!isMovedTo(first, `${url}${slash}`, `${url}${other}`)) return first;
    await first.body?.cancel();
    slash = other;
    return send(`${url}${other}`, init);
  };
}

/** True for a redirect that keeps the method and leads from the one URL to exactly the other. */
function isMovedTo({ status, headers }: Response, from: string, to: string): boolean {
  const location = headers.get("location");
  if (location === null || !KEEPING_REDIRECTS.has(status) || !URL.canParse(location, from)) return false;
  return new URL(location, from).href === new URL(to).href;
}

function timeoutError(): Error {
  return new DOMException(`no answer within ${TIMEOUT_SECONDS} seconds`, "TimeoutError");
}

async function reached(call: () => Promise<HeartbeatOutcome>): Promise<HeartbeatOutcome> {
  try {
    return await call();
  } catch (error) {
    return { kind: "unreachable", why: error instanceof Error ? error.name : "no connection" };
  }
}

async function readOutcome(response: Response): Promise<HeartbeatOutcome> {
  const { status, ok } = response;
  if (response.type === "opaqueredirect" || (status >= 300 && status < 400)) {
    await response.body?.cancel();
    return { kind: "unreachable", why: `a redirect, which is not followed (status ${status})` };
  }
  const body = parseJson(await readText(response, MAX_ANSWER_BYTES));
  if (status === 401 && rejectionSchema.safeParse(body).success) return { kind: "rejected" };
  if (status === 429 && limitSchema.safeParse(body).success) return { kind: "limited" };
  if (!ok) return { kind: "unreachable", why: `status ${status}` };
  const answer = heartbeatAnswerSchema.safeParse(body).data;
  return answer === undefined
    ? { kind: "unreachable", why: "an unreadable answer" }
    : { kind: "answered", answer };
}
