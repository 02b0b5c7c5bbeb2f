import * as z from "zod/mini";
import { userAgent } from "../../internal/user-agent.ts";
import type { ControlPlane } from "../options.ts";
import { HEARTBEAT_ROUTE, type Heartbeat, type HeartbeatAnswer, heartbeatAnswerSchema } from "./heartbeat.ts";

const TIMEOUT_MILLISECONDS = 10_000;
/** The control plane says whose credential it was. Another 401 is of something that stands before it, such as a login. */
const rejectionSchema = z.object({
  code: z.literal("UNAUTHORIZED"),
  details: z.object({ credential: z.literal("pod") }),
});

/** What came of a call: an answer, no for the pod's credential, no for something else, or nobody there. */
export type Outcome =
  | { readonly kind: "answered"; readonly body: string }
  | { readonly kind: "rejected"; readonly status: 401 }
  | { readonly kind: "refused"; readonly status: number }
  | { readonly kind: "unreachable"; readonly why: string };

/** The guard's side of the control plane. None of its calls throws. */
export interface ControlPlaneClient {
  heartbeat(heartbeat: Heartbeat, signal: AbortSignal): Promise<Outcome>;
  /** Asks whether anybody is there, without saying that the pod is alive. */
  probe(signal: AbortSignal): Promise<Outcome>;
}

/** A client of this control plane. */
export function createControlPlaneClient(
  { url, podToken }: ControlPlane,
  send: typeof fetch,
): ControlPlaneClient {
  const headers = { "user-agent": userAgent, "content-type": "application/json" };
  const call = (path: string, init: RequestInit, signal: AbortSignal): Promise<Outcome> =>
    outcomeOf(() => send(`${url}${path}`, { ...init, redirect: "error", signal: timed(signal) }));
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

function timed(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MILLISECONDS)]);
}

async function outcomeOf(send: () => Promise<Response>): Promise<Outcome> {
  try {
    return await readOutcome(await send());
  } catch (error) {
    return { kind: "unreachable", why: error instanceof Error ? error.name : "no connection" };
  }
}

async function readOutcome(response: Response): Promise<Outcome> {
  const body = await response.text();
  const { status } = response;
  if (status >= 500 || status === 408 || status === 429)
    return { kind: "unreachable", why: `status ${status}` };
  if (status === 401 && rejectionSchema.safeParse(parseJson(body)).success)
    return { kind: "rejected", status };
  if (!response.ok) return { kind: "refused", status };
  return { kind: "answered", body };
}

/** What a heartbeat was answered; `undefined` when that was not the control plane: a login page, for example. */
export function readAnswer(body: string): HeartbeatAnswer | undefined {
  if (body === "") return {};
  return heartbeatAnswerSchema.safeParse(parseJson(body)).data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
