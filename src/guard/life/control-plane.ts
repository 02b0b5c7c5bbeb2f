import * as z from "zod/mini";
import type { Clock } from "../../clock.ts";
import { parseJson } from "../../internal/json.ts";
import { userAgent } from "../../internal/user-agent.ts";
import { within } from "../../internal/within.ts";
import { HEARTBEAT_ROUTE, type Heartbeat, type HeartbeatAnswer, heartbeatAnswerSchema } from "./heartbeat.ts";

const TIMEOUT_SECONDS = 10;
/** The redirects after which the same request may be sent again; a permanent 301 is one for a client that does not turn it into GET. */
const KEEPING_REDIRECTS: ReadonlySet<number> = new Set([301, 307, 308]);
/** The control plane names the credential that it rejects. Any other 401 comes from a server in front of it, such as a login. */
const rejectionSchema = z.object({
  code: z.literal("UNAUTHORIZED"),
  details: z.object({ credential: z.literal("pod") }),
});

/** Where the control plane is, and the pod's own credential there. */
export interface ControlPlaneAccess {
  /** The URL of the control plane, without a slash at its end. */
  readonly url: string;
  readonly podToken: string;
}

/** The outcome of a call: an answer, a rejection of the pod's credential, another refusal, or no contact. */
export type HeartbeatOutcome =
  | { readonly kind: "answered"; readonly body: string }
  | { readonly kind: "rejected"; readonly status: 401 }
  | { readonly kind: "refused"; readonly status: number }
  | { readonly kind: "unreachable"; readonly why: string };

/** The calls that a guard makes to its control plane. None of them throws. */
export interface ControlPlaneClient {
  /** Sends a heartbeat. */
  heartbeat(heartbeat: Heartbeat, signal: AbortSignal): Promise<HeartbeatOutcome>;
  /** Asks for the control plane's health, which is no sign of life of the pod. */
  probe(signal: AbortSignal): Promise<HeartbeatOutcome>;
}

/** Makes the client of a control plane. */
export function createControlPlaneClient(
  { url, podToken }: ControlPlaneAccess,
  { fetch: send, clock }: { readonly fetch: typeof fetch; readonly clock: Clock },
): ControlPlaneClient {
  const ask = slashAware(send);
  const headers = { "user-agent": userAgent, "content-type": "application/json" };
  const call = (path: string, init: RequestInit, signal: AbortSignal): Promise<HeartbeatOutcome> =>
    outcomeOf(() =>
      within({ clock, seconds: TIMEOUT_SECONDS, signal, error: timeoutError }, async (limited) =>
        readOutcome(await ask(`${url}${path}`, { ...init, redirect: "manual", signal: limited })),
      ),
    );
  return {
    heartbeat: (heartbeat, signal) =>
      call(
        HEARTBEAT_ROUTE,
        {
          method: "POST",
          headers: { ...headers, authorization: `Bearer ${podToken}` },
          body: JSON.stringify(heartbeat),
        },
        signal,
      ),
    probe: (signal) => call("/health", { headers }, signal),
  };
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

async function outcomeOf(call: () => Promise<HeartbeatOutcome>): Promise<HeartbeatOutcome> {
  try {
    return await call();
  } catch (error) {
    return { kind: "unreachable", why: error instanceof Error ? error.name : "no connection" };
  }
}

async function readOutcome(response: Response): Promise<HeartbeatOutcome> {
  const { status } = response;
  if (response.type === "opaqueredirect" || (status >= 300 && status < 400)) {
    await response.body?.cancel();
    return { kind: "unreachable", why: `a redirect, which is not followed (status ${status})` };
  }
  const body = await response.text();
  if (status >= 500 || status === 408 || status === 429)
    return { kind: "unreachable", why: `status ${status}` };
  if (status === 401 && rejectionSchema.safeParse(parseJson(body)).success)
    return { kind: "rejected", status };
  if (!response.ok) return { kind: "refused", status };
  return { kind: "answered", body };
}

/** Parses the answer to a heartbeat; `undefined` when the control plane did not write it: a login page, for example. */
export function readAnswer(body: string): HeartbeatAnswer | undefined {
  if (body === "") return {};
  return heartbeatAnswerSchema.safeParse(parseJson(body)).data;
}
