/** A session's requests to the control plane: its compute, and its token. */
import type { ComputeSnapshot } from "../compute-json.ts";
import type { WireToken } from "../wire.ts";
import { now, type SessionCore } from "./core.ts";
import { ComputeError, problemOf } from "./request.ts";

const RENEW_MILLISECONDS = 30_000;

/** The compute of a session. @throws ComputeError CONFLICT while it is not known */
export function known({ facts }: SessionCore): ComputeSnapshot {
  if (facts.compute) return facts.compute;
  throw new ComputeError("CONFLICT", "The compute is not known yet.");
}

/**
 * Sends a request to the control plane, until the session closes or the caller gives up. An answer that denies the compute takes its token back.
 * @throws ComputeError for each answer that is not a success, and `OFFLINE` where none came; the signal's reason
 */
export async function send<Body>(
  { access, closing, facts, tokens }: SessionCore,
  method: string,
  path: string,
  body?: unknown,
  caller: AbortSignal = closing.signal,
): Promise<Body> {
  const { headers, baseUrl, fetch } = access;
  const signal = AbortSignal.any([closing.signal, caller]);
  const own = typeof headers === "function" ? await headers() : headers;
  const init = {
    method,
    signal,
    headers: { "content-type": "application/json", ...own },
    credentials: "include",
  } as const;
  try {
    const response = await fetch(baseUrl + path, { ...init, body: body ? JSON.stringify(body) : null });
    if (response.ok) return (await response.json()) as Body;
    throw await problemOf(response);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ComputeError)) throw new ComputeError("OFFLINE", "No answer", { retryable: true });
    if (facts.compute && isDenied(error)) tokens.removeItem(keyOf(baseUrl, facts.compute.id));
    throw error;
  }
}

/** True for the answers 401 and 404. */
export function isDenied(error: unknown): error is ComputeError {
  return error instanceof ComputeError && (error.status === 401 || error.status === 404);
}

/** The token of the session's compute, where this tab has one. */
export function tokenOf(core: SessionCore, id: string = known(core).id): string | null {
  return core.tokens.getItem(keyOf(core.access.baseUrl, id));
}

/** Keeps a token in the tab. */
export function keepToken(core: SessionCore, id: string, token: string): void {
  core.tokens.setItem(keyOf(core.access.baseUrl, id), token);
}

/** Asks for a token of this tab's own. @returns false when there is none to be had now */
export async function renew(core: SessionCore, { id, auth }: ComputeSnapshot): Promise<boolean> {
  if (!auth?.schemes.includes("bearer") || now(core) - core.renewedAt < RENEW_MILLISECONDS) return false;
  core.renewedAt = now(core);
  keepToken(core, id, (await send<WireToken>(core, "POST", `/computes/${id}/token`, {})).token);
  return true;
}

function keyOf(baseUrl: string, id: string): string {
  return `atlas ${baseUrl} ${id}`;
}
