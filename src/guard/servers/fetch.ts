/** The guard in front of handlers that take a `Request` and answer a `Response`, and of Hono. */
import type { MiddlewareHandler } from "hono";
import type { GuardCore } from "../core.ts";
import type { Answer, GuardRequest, Pass } from "../verdict/request.ts";
import { isCorsHeader, joinVary } from "./node-response.ts";

/** A Fetch handler; what a platform passes beside the request goes on as it is. */
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

/** The guard as Hono's middleware. */
export function guardHono(core: GuardCore): MiddlewareHandler {
  return async (context, next) => {
    const verdict = core.judge(toGuardRequest(context.req.raw));
    if (verdict.kind !== "pass") return toResponse(verdict);
    context.req.raw = stripRequest(context.req.raw, verdict);
    await next();
    const response = finish(core, verdict, context.res);
    // Hono copies the headers of the response before onto the one that is set; nothing is before this one.
    context.res = undefined;
    context.res = response;
    return undefined;
  };
}

function toGuardRequest({ method, url, headers }: Request): GuardRequest {
  return { method, url, header: (name) => headers.get(name) ?? undefined };
}

function toResponse({ status, headers, body }: Answer): Response {
  return new Response(status === 204 ? null : body, { status, headers });
}

function stripRequest(request: Request, { url, subprotocols }: Pass): Request {
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

function finish(core: GuardCore, verdict: Pass, response: Response): Response {
  const headers = new Headers(response.headers);
  for (const name of [...headers.keys()]) if (isCorsHeader(name)) headers.delete(name);
  for (const [name, value] of Object.entries(verdict.headers))
    headers.set(name, name === "vary" ? joinVary(headers.get("vary") ?? undefined, value) : value);
  const body = core.isWatching(verdict) && response.body ? watched(core, response.body) : response.body;
  return new Response(body, { status: response.status, statusText: response.statusText, headers });
}

/** The same body, whose bytes are signs of life. */
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
