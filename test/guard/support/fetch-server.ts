/** The guard in front of an application of the fetch API, which needs no server. The application returns the request that it saw. */
import { type Case, guardFor, type Observed, UPSTREAM_HEADERS } from "./cases.ts";
import { decode, encode } from "./raw-http.ts";

/** A guarded server that takes cases. */
export interface GuardedServer extends AsyncDisposable {
  send(one: Case): Promise<Observed>;
}

/** Opens the guard of a named configuration. */
export async function openFetch(config: string): Promise<GuardedServer> {
  return handled(guardFor(config).fetch(answerFetch));
}

/** The application. */
export function answerFetch(request: Request): Response {
  const url = request.url.slice(new URL(request.url).origin.length);
  const headers = Object.fromEntries(request.headers);
  return new Response(null, { headers: { ...UPSTREAM_HEADERS, "x-upstream": encode({ url, headers }) } });
}

/** A handler that takes cases. */
export function handled(handler: (request: Request) => Promise<Response>): GuardedServer {
  return {
    send: async ({ method = "GET", url, headers = [] }) => {
      const list = new Headers();
      for (const [name, value] of headers) list.append(name, value);
      const response = await handler(new Request(`http://pod.example${url}`, { method, headers: list }));
      const upstream = response.headers.get("x-upstream");
      return {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        body: await response.text(),
        ...(upstream === null ? {} : { upstream: JSON.parse(decode(upstream)) }),
      };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
