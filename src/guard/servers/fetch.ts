/** The guard in front of Hono, and of handlers that take a `Request` and return a `Response`. */
import type { MiddlewareHandler } from "hono";
import type { GuardCore } from "../core.ts";
import type { GuardAnswer, GuardPass, GuardRequest } from "../verdict/request.ts";
import { isCorsHeader, joinVary } from "./node-response.ts";

/** A Fetch handler. The guard passes a platform's further arguments on unchanged. */
export type FetchHandler<Rest extends readonly unknown[]> = (
  request: Request,
  ...rest: Rest
) => Response | Promise<Response>;

/** Puts the guard in front of a handler. */
export function guardFetch<Rest extends readonly unknown[]>(
  core: GuardCore,
  handler: FetchHandler<Rest>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  return async (request, ...rest) => {
    const verdict = core.judge(toGuardRequest(request));
    if (verdict.kind !== "pass") return toResponse(verdict);
    return finish(core, verdict, await handler(stripRequest(request, verdict), ...rest));
  };
}

/** Makes the middleware for Hono. */
export function guardHono(core: GuardCore): MiddlewareHandler {
  return async (context, next) => {
    const verdict = core.judge(toGuardRequest(context.req.raw));
    if (verdict.kind !== "pass") return toResponse(verdict);
    context.req.raw = stripRequest(context.req.raw, verdict);
    await next();
    const response = finish(core, verdict, context.res);
    // Hono copies the headers of the previous response onto a new one, so the previous response goes first.
    context.res = undefined;
    context.res = response;
    return undefined;
  };
}

function toGuardRequest({ method, url, headers }: Request): GuardRequest {
  return { method, url, header: (name) => headers.get(name) ?? undefined };
}

function toResponse({ status, headers, body }: GuardAnswer): Response {
  return new Response(status === 204 ? null : body, { status, headers });
}

function stripRequest(request: Request, { url, subprotocols }: GuardPass): Request {
  const headers = new Headers(request.headers);
  headers.delete("authorization");
  if (subprotocols !== undefined) headers.set("sec-websocket-protocol", subprotocols);
  const { method, body, signal } = request;
  return new Request(`${new URL(request.url).origin}${url}`, {
    method,
    headers,
    body,
    signal,
    duplex: "half",
  });
}

function finish(core: GuardCore, verdict: GuardPass, response: Response): Response {
  const headers = new Headers(response.headers);
  for (const name of [...headers.keys()]) if (isCorsHeader(name)) headers.delete(name);
  for (const [name, value] of Object.entries(verdict.headers))
    headers.set(name, name === "vary" ? joinVary(headers.get("vary") ?? undefined, value) : value);
  const body = core.isWatching(verdict) && response.body ? watched(core, response.body) : response.body;
  return new Response(body, { status: response.status, statusText: response.statusText, headers });
}

/** Passes a body on, and counts its bytes as signs of life. */
function watched(core: GuardCore, body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  let bytes = 0;
  const stop = core.watch(() => bytes);
  return body.pipeThrough(
    new TransformStream({
      transform: (chunk: Uint8Array, controller) => {
        bytes += chunk.byteLength;
        controller.enqueue(chunk);
      },
      flush: stop,
      cancel: stop,
    }),
  );
}
