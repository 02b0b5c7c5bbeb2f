/** The transport for servers that the global fetch does not reach: a socket of this machine, and TLS with certificates of its own. */
import type { IncomingMessage, RequestOptions } from "node:http";
import { Readable } from "node:stream";

/** The way to a server: a Unix socket or a named pipe, or TLS with these certificates (PEM). */
export interface Wire {
  readonly socketPath?: string | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** Statuses whose answers have no body, as `Response` demands. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * Makes a `fetch` over this wire. Each request has a connection of its own, so that none is lost to a connection that the server closed
 * meanwhile. It follows no redirect and decodes no content coding.
 */
export function createNodeFetch(wire: Wire): typeof globalThis.fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const body = Buffer.from(await request.arrayBuffer());
    const answer = await send(wire, request, body);
    const status = answer.statusCode ?? 502;
    const { statusMessage = "" } = answer;
    const headers = toHeaders(answer);
    if (!WITHOUT_BODY.has(status))
      return new Response(Readable.toWeb(answer), { status, statusText: statusMessage, headers });
    answer.resume();
    return new Response(null, { status, statusText: statusMessage, headers });
  };
}

/** Node's HTTP modules are loaded at the first request, because an import of a provider must not wait for them. */
async function send(wire: Wire, request: Request, body: Buffer): Promise<IncomingMessage> {
  const { method, headers, signal } = request;
  const url = new URL(request.url);
  // Without a length, Node sends the body of a DELETE unframed, and a server reads it as a second request.
  const framing = body.length === 0 && method === "GET" ? {} : { "content-length": String(body.length) };
  const options: RequestOptions & Wire = {
    ...wire,
    method,
    signal,
    agent: false,
    headers: { ...Object.fromEntries(headers), ...framing },
  };
  const { request: start } =
    url.protocol === "https:" ? await import("node:https") : await import("node:http");
  return new Promise((resolve, reject) => {
    const outgoing = start(url, options, resolve);
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

function toHeaders({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    headers.append(rawHeaders[index] ?? "", rawHeaders[index + 1] ?? "");
  return headers;
}
