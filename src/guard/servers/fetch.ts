/** The guard in front of Hono, and of handlers that take a `Request` and return a `Response`. */
import type { IncomingMessage } from "node:http";
import type { MiddlewareHandler } from "hono";
import type { GuardCore } from "../core.ts";
import { editAnswer } from "../verdict/answer-edits.ts";
import type { GuardAnswer, GuardPass, GuardRequest, GuardVerdict } from "../verdict/request.ts";
import { isCorsHeader, isOwnHeader, joinVary } from "./node-response.ts";
import { replaceHeaders } from "./passed-request.ts";

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
    const verdict = await core.judge(toGuardRequest(request));
    if (verdict.kind !== "pass") return toResponse(verdict);
    const stripped = stripRequest(request, verdict);
    stripIncoming(rest[0], verdict);
    return finish(core, verdict, await handler(stripped, ...rest));
  };
}

/** Makes the middleware for Hono. */
export function guardHono(core: GuardCore): MiddlewareHandler {
  return async (context, next) => {
    const verdict = await judgeRouted(core, context.req.raw);
    if (verdict.kind !== "pass") return toResponse(verdict);
    context.req.raw = stripRequest(context.req.raw, verdict);
    stripIncoming(context.env, verdict);
    await next();
    const response = finish(core, verdict, context.res);
    // Hono copies the headers of the previous response onto a new one, so the previous response goes first.
    context.res = undefined;
    context.res = response;
    return undefined;
  };
}

/** Judges a request that Hono has routed already. One that goes on with another path is refused: Hono would serve the route of the first. */
async function judgeRouted(core: GuardCore, request: Request): Promise<GuardVerdict> {
  const asked = toGuardRequest(request);
  const verdict = await core.judge(asked);
  if (verdict.kind !== "pass" || pathOf(verdict.url) === new URL(request.url).pathname) return verdict;
  return await core.judge({ ...asked, isAmbiguous: true });
}

function pathOf(target: string): string | undefined {
  return target.split("?", 1)[0];
}

function toGuardRequest({ method, url, headers }: Request): GuardRequest {
  return { method, url, header: (name) => headers.get(name) ?? undefined };
}

function toResponse({ status, headers, body }: GuardAnswer): Response {
  return new Response(status === 204 || status === 303 ? null : body, { status, headers });
}

function stripRequest(request: Request, { url, credential, requestHeaders }: GuardPass): Request {
  const headers = new Headers(request.headers);
  for (const name of [...headers.keys()]) if (isOwnHeader(name)) headers.delete(name);
  headers.set("x-atlas-credential", credential);
  for (const [name, value] of Object.entries(requestHeaders))
    if (value === undefined) headers.delete(name);
    else headers.set(name, value);
  const { method, body, signal } = request;
  return new Request(`${new URL(request.url).origin}${url}`, {
    method,
    headers,
    body,
    signal,
    duplex: "half",
  });
}

/** Strips the request of `node:http` too, which `@hono/node-server` hands to the application beside the `Request`. */
function stripIncoming(bindings: unknown, pass: GuardPass): void {
  if (typeof bindings !== "object" || bindings === null || !("incoming" in bindings)) return;
  const { incoming } = bindings;
  if (!isIncoming(incoming)) return;
  incoming.url = pass.url;
  replaceHeaders(incoming, pass);
}

function isIncoming(value: unknown): value is IncomingMessage {
  return (
    typeof value === "object" && value !== null && "rawHeaders" in value && Array.isArray(value.rawHeaders)
  );
}

function finish(core: GuardCore, verdict: GuardPass, response: Response): Response {
  const headers = new Headers(response.headers);
  for (const name of [...headers.keys()]) if (isCorsHeader(name) || isOwnHeader(name)) headers.delete(name);
  for (const [name, value] of Object.entries(verdict.headers))
    headers.set(name, name === "vary" ? joinVary(headers.get("vary") ?? undefined, value) : value);
  setEdits(headers, verdict);
  const body = core.isWatching(verdict) && response.body ? watched(core, response.body) : response.body;
  return new Response(body, { status: response.status, statusText: response.statusText, headers });
}

function setEdits(headers: Headers, pass: GuardPass): void {
  const edits = editAnswer(pass, (name) =>
    name === "set-cookie" ? headers.getSetCookie() : [headers.get(name) ?? []].flat(),
  );
  for (const [name, values] of Object.entries(edits)) {
    headers.delete(name);
    for (const value of values) headers.append(name, value);
  }
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
