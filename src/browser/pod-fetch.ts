import { join, now, type SessionCore, until } from "./core.ts";
import { isBooting, isUsable, phaseOf } from "./phases.ts";
import { renew, tokenOf } from "./plane.ts";
import { addressOf, type PortChoice } from "./pod.ts";
import { ComputeError, retryAfter } from "./request.ts";

/** Sends a request to the pod, when it is ready. Only the guard's own refusals, which it marks, are repeated: with a new token, and after its pause. */
export async function fetchFromPod(
  core: SessionCore,
  path: string | URL,
  init: RequestInit = {},
  { port }: PortChoice = {},
): Promise<Response> {
  await join(core, whenReady, init.signal);
  const { url, headers: own } = addressOf(core, path, port);
  const { fetch, clock } = core;
  const signal = until(core, init.signal);
  for (let repeats = 15; ; repeats -= 1) {
    const token = tokenOf(core);
    const headers = {
      ...Object.fromEntries(new Headers(init.headers)),
      ...own,
      ...(token && { authorization: `Bearer ${token}` }),
    };
    const response = await fetch(url, { ...init, signal, headers });
    const mayRepeat = repeats > 0 && !(init.body instanceof ReadableStream);
    const refusal = mayRepeat && response.headers.has("x-atlas-refusal") && response.status;
    if (refusal === 503) await clock.sleep(retryAfter(response) * 1000, signal);
    else if (refusal !== 401 || !(await renew(core, token, signal))) return response;
  }
}

/** Waits until the pod takes requests. @throws ComputeError when that can never happen */
export function whenReady(core: SessionCore): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      // A pod needs no control plane to take requests.
      const phase = phaseOf({ ...core.facts, isOffline: false }, now(core));
      if (isBooting(phase)) return;
      core.listeners.delete(settle);
      const { error, message } = core.snapshot;
      if (isUsable(phase)) resolve();
      else reject(error ?? new ComputeError("CONFLICT", message));
    };
    core.listeners.add(settle);
    settle();
  });
}
