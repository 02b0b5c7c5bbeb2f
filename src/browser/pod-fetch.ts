import type { SessionCore } from "./core.ts";
import { known, renew, tokenOf } from "./plane.ts";
import { headersOf } from "./pod.ts";
import { retryAfter } from "./request.ts";

const MAX_UNAVAILABLE = 15;

/** Sends a request to the pod. Only the guard's own refusals, which it marks, are repeated: with a new token once, and after its pause. */
export async function fetchFromPod(
  core: SessionCore,
  url: URL,
  init: RequestInit,
  port?: number,
): Promise<Response> {
  const { fetch, clock } = core;
  const closing = core.closing.signal;
  const signal = AbortSignal.any([closing, init.signal ?? closing]);
  let hasRenewed = false;
  for (let tries = 0; ; tries += 1) {
    const compute = known(core);
    const token = tokenOf(core);
    const headers = headersOf(compute, init.headers, token, port);
    const response = await fetch(url, { ...init, signal, headers });
    const { status } = response;
    if (!response.headers.has("x-atlas-refusal") || init.body instanceof ReadableStream) return response;
    if (status === 503 && tries < MAX_UNAVAILABLE) await clock.sleep(retryAfter(response) * 1000, signal);
    else if (status === 401 && !hasRenewed && (await renew(core, compute, token))) hasRenewed = true;
    else return response;
  }
}
