/** A session's requests to the control plane, and its token. */
import type { ComputeSnapshot } from "../compute-json.ts";
import type { WireToken } from "../wire.ts";
import { isLive, join, now, type SessionCore, update } from "./core.ts";
import { ComputeError, problemOf } from "./request.ts";

/** The compute of a session. @throws ComputeError CONFLICT while it is not known */
export function known({ facts }: SessionCore): ComputeSnapshot {
  if (facts.compute) return facts.compute;
  throw new ComputeError("CONFLICT", "No compute is known.");
}

/** The path of a session's compute. */
export function pathOf(core: SessionCore): string {
  return `/computes/${known(core).id}`;
}

/**
 * Sends a request to the control plane, until the session closes. The session shows what a failure says about it: that the page is offline, or
 * that the compute is denied to this user, which takes the token back.
 * @throws ComputeError for each answer that is not a success, and `OFFLINE` where none came
 */
export async function send<Body>(
  core: SessionCore,
  method: string,
  path: string,
  body: string | null = null,
): Promise<Body> {
  const { headers, baseUrl, fetch, closing } = core;
  const { signal } = closing;
  let error: ComputeError;
  try {
    const own = typeof headers === "function" ? await headers() : headers;
    const response = await fetch(baseUrl + path, {
      method,
      signal,
      headers: { "content-type": "application/json", ...own },
      credentials: "include",
      body,
    });
    if (response.ok) return (await response.json()) as Body;
    error = await problemOf(response);
  } catch (cause) {
    signal.throwIfAborted();
    error = new ComputeError("OFFLINE", `No answer: ${cause}`, { retryable: true });
  }
  const { status } = error;
  const isDenied = isLive(core) && (status === 401 || status === 404);
  if (isDenied) core.storage.removeItem(keyOf(core));
  update(core, isDenied ? { error } : { isOffline: !status });
  throw error;
}

/**
 * Sends a request that is harmless to repeat, until its answer is final: the slot keeps one whose answer was lost from spawning twice. Where
 * the providers have no machine, the user decides about another try.
 */
export async function ask<Body>(
  core: SessionCore,
  method: string,
  path: string,
  body?: string,
): Promise<Body> {
  for (;;) {
    try {
      return await send(core, method, path, body);
    } catch (error) {
      const { code, retryable, retryAfterSeconds = 2 } = error as ComputeError;
      if (code === "CAPACITY" || !(retryable || code === "UNCERTAIN")) throw error;
      await core.clock.sleep(retryAfterSeconds * 1000, core.closing.signal);
    }
  }
}

/** The token of the session's compute, where this tab has one. */
export function tokenOf(core: SessionCore): string | null {
  return core.storage.getItem(keyOf(core));
}

/** Keeps the token of the session's compute in the tab. */
export function keepToken(core: SessionCore, token: string): void {
  core.storage.setItem(keyOf(core), token);
}

/** Sees to another token than the refused one: that of a request before, or a new one. @returns false when there is none to be had now */
export async function renew(
  core: SessionCore,
  refused: string | null,
  signal?: AbortSignal,
): Promise<boolean> {
  const mayAsk = known(core).auth?.schemes.includes("bearer") && now(core) >= core.renewAt;
  if (mayAsk && tokenOf(core) === refused) await join(core, askForToken, signal);
  return tokenOf(core) !== refused;
}

async function askForToken(core: SessionCore): Promise<void> {
  const { token } = await ask<WireToken>(core, "POST", `${pathOf(core)}/token`, "{}");
  // A guard that rejects a new token, too, gets no further one at once.
  core.renewAt = now(core) + 30_000;
  keepToken(core, token);
}

function keyOf(core: SessionCore): string {
  return `atlas ${core.baseUrl} ${known(core).id}`;
}
