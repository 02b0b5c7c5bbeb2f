/** The origins of the pages that may use the control plane in a user's name: CORS for listed ones, and the refusal of forged changes. */
import { AtlasError } from "../errors.ts";
import { bearerOf } from "../internal/bearer.ts";
import type { Plane } from "./options.ts";

type OriginsOf = Pick<Plane, "origins">;

/** Credentials that a browser adds to a request of any page by itself. A TLS client certificate has no header. */
const AMBIENT = /^[\t ]*(?:basic|digest|negotiate|ntlm)\b/i;

const ADVICE =
  "Call from a page of this application, list the origin in createControlPlane({ origins }), or present the credential as Authorization: Bearer.";

const METHODS = "GET, HEAD, POST, PUT, DELETE";
const REQUEST_HEADERS = "authorization, content-type, idempotency-key, last-event-id";
const ANSWER_HEADERS = "location, retry-after";
/** Chromium's limit, the highest of all browsers, for keeping the answer to a preflight. */
const MAX_AGE_SECONDS = 7200;

/**
 * Refuses a change that a page of another site may have made a browser send. Such a page can make a browser send the user's cookies and its
 * stored passwords, but neither a bearer token nor an `Origin` of its choice.
 * @throws FORBIDDEN
 */
export function refuseForgery(plane: OriginsOf & { readonly advice?: string }, request: Request): void {
  const { method, headers } = request;
  if (method === "GET" || method === "HEAD" || bearerOf(request) !== undefined) return;
  if (acceptedOrigin(plane, request) !== undefined || isOfOwnPage(headers)) return;
  if (!isFromBrowser(headers) && !hasAmbientCredential(headers)) return;
  const from = headers.get("origin") ?? "a page that does not say its origin";
  throw new AtlasError(
    "FORBIDDEN",
    `This change came from ${from.slice(0, 200)}, which may not act in the user's name. ${plane.advice ?? ADVICE}`,
  );
}

/** Returns the `Origin` of a request when it is the application's own or a listed one. */
export function acceptedOrigin({ origins }: OriginsOf, request: Request): string | undefined {
  const { headers, url } = request;
  const origin = headers.get("origin");
  const host = origin === null ? undefined : hostOf(origin);
  if (origin === null || host === undefined) return undefined;
  if (origins.has(origin) || isOfOwnPage(headers)) return origin;
  // A browser that knows better is believed: a page over plain http has our host, and is another site than we over https.
  if (headers.has("sec-fetch-site")) return undefined;
  const own = [url, headers.get("host"), headers.get("x-forwarded-host")].map((place) => hostOf(place ?? ""));
  return own.includes(host) ? origin : undefined;
}

/** Returns the headers by which a page of a listed origin may read an answer; every answer depends on its `Origin`. */
export function corsHeaders({ origins }: OriginsOf, request: Request): Readonly<Record<string, string>> {
  if (origins.size === 0) return {};
  const origin = request.headers.get("origin") ?? "";
  if (!origins.has(origin)) return { vary: "Origin" };
  return {
    vary: "Origin",
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": ANSWER_HEADERS,
    ...(isPreflight(request) ? PREFLIGHT : {}),
  };
}

const PREFLIGHT = {
  "access-control-allow-methods": METHODS,
  "access-control-allow-headers": REQUEST_HEADERS,
  "access-control-max-age": String(MAX_AGE_SECONDS),
};

function isPreflight({ method, headers }: Request): boolean {
  return method === "OPTIONS" && headers.has("access-control-request-method");
}

function isOfOwnPage(headers: Headers): boolean {
  return headers.get("sec-fetch-site") === "same-origin";
}

function isFromBrowser(headers: Headers): boolean {
  return headers.has("origin") || headers.has("sec-fetch-site");
}

function hasAmbientCredential(headers: Headers): boolean {
  return headers.has("cookie") || AMBIENT.test(headers.get("authorization") ?? "");
}

/** The host, with its port, of an address, of an origin, or of the first entry of a header of hosts. */
function hostOf(place: string): string | undefined {
  const first = place.split(",")[0]?.trim() ?? "";
  const url = URL.parse(first.includes("://") ? first : `https://${first}`);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  return url.port === "80" || url.port === "443" ? url.hostname : url.host;
}
