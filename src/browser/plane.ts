/** A session's requests to the control plane: its compute, and its token. */
import type { ComputeSnapshot } from "../compute-json.ts";
import type { WireToken } from "../wire.ts";
import { join, now, type SessionCore } from "./core.ts";
import { ComputeError, problemOf } from "./request.ts";

const RENEW_MILLISECONDS = 30_000;

/** The compute of a session. @throws ComputeError CONFLICT while it is not known */
export function known({ facts }: SessionCore): ComputeSnapshot {
  if (facts.compute) return facts.compute;
  throw new ComputeError("CONFLICT", "The compute is not known yet.");
}

/**
 * Sends a request to the control plane, until the session closes. An answer that denies the compute takes its token back.
 * @throws ComputeError for each answer that is not a success, and `OFFLINE` where none came
 */
export async function send<Body>(
  { headers, baseUrl, fetch, closing: { signal }, facts, tokens }: SessionCore,
  method: string,
  path: string,
  body?: unknown,
): Promise<Body> {
  const text = body ? JSON.stringify(body) : null;
  try {
    const own = typeof headers === "function" ? await headers() : headers;
    const response = await fetch(baseUrl + path, {
      method,
      signal,
      headers: { "content-type": "application/json", ...own },
      credentials: "include",
      body: text,
    });
    if (response.ok) return (await response.json()) as Body;
    throw await problemOf(response);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ComputeError))
      throw new ComputeError("OFFLINE", `No answer: ${error}`, { retryable: true });
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
  return core.tokens.getItem(keyOf(core.baseUrl, id));
}

/** Keeps a token in the tab. */
export function keepToken(core: SessionCore, id: string, token: string): void {
  core.tokens.setItem(keyOf(core.baseUrl, id), token);
}

/** Sees to another token than the refused one: that of a request before, or a new one. @returns false when there is none to be had now */
export async function renew(
  core: SessionCore,
  { id, auth }: ComputeSnapshot,
  refused: string | null,
): Promise<boolean> {
  if (!auth?.schemes.includes("bearer")) return false;
  if (tokenOf(core, id) === refused && now(core) - core.renewedAt >= RENEW_MILLISECONDS)
    await join(core, "renew", () => askForToken(core, id));
  return tokenOf(core, id) !== refused;
}

async function askForToken(core: SessionCore, id: string): Promise<void> {
  const { token } = await send<WireToken>(core, "POST", `/computes/${id}/token`, {});
  core.renewedAt = now(core);
  keepToken(core, id, token);
}

function keyOf(baseUrl: string, id: string): string {
  return `atlas ${baseUrl} ${id}`;
}
