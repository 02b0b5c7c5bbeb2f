/** The URL of a request in Express, which cuts it at mounts and parses its query. */
import type { IncomingMessage } from "node:http";

/** A request of Express or Connect: `url` is the rest below a mount, `originalUrl` the received URL. */
interface MountedRequest extends IncomingMessage {
  originalUrl: string;
  readonly baseUrl?: string;
  query?: unknown;
  /** The parsed URL that Connect, Express and Polka keep; they parse again where it is absent. */
  _parsedUrl?: unknown;
  readonly app?: { get?(setting: string): unknown };
}

/** True for a request of Express or Connect. */
export function isMounted(request: IncomingMessage): request is MountedRequest {
  return "originalUrl" in request && typeof request.originalUrl === "string";
}

/** The URL as the server received it. */
export function receivedUrl(request: IncomingMessage): string {
  return isMounted(request) ? request.originalUrl : (request.url ?? "");
}

/** True for a whole URL as target. Express remembers the length of its origin, and would cut so much of another target at a mount. */
export function isMisread(request: IncomingMessage): boolean {
  return isMounted(request) && !request.originalUrl.startsWith("/");
}

/** Replaces the URL in every view of it. */
export function replaceMountedUrl(request: MountedRequest, url: string): void {
  if (url === request.originalUrl) return;
  const rest = url.slice(request.baseUrl?.length ?? 0);
  request.url = rest.startsWith("/") ? rest : `/${rest}`;
  request.originalUrl = url;
  if (Object.hasOwn(request, "_parsedUrl")) request._parsedUrl = undefined;
  // Express 4 has parsed the query before the guard; Express 5 parses it at each access.
  if (Object.hasOwn(request, "query")) request.query = parsedQuery(request, url);
}

function parsedQuery({ app }: MountedRequest, url: string): unknown {
  const query = url.includes("?") ? url.slice(url.indexOf("?") + 1) : "";
  const parse = app?.get?.("query parser fn");
  return typeof parse === "function" ? parse(query) : Object.fromEntries(new URLSearchParams(query));
}
