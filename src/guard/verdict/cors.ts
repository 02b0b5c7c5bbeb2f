import type { GuardRequest, HeaderMap } from "./request.ts";

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*$/;
const DEFAULT_HEADERS = "authorization, content-type";
/** Chromium's limit, the highest of all browsers, for keeping a preflight's answer. */
const MAX_AGE_SECONDS = 7200;

const UNLISTED: HeaderMap = { vary: "Origin" };
const SILENT: HeaderMap = {};

/** The origins whose pages may call the pod, each with the headers of its responses. */
export type AllowedOrigins = ReadonlyMap<string, HeaderMap>;

/** Prepares the response headers of each origin. */
export function allowOrigins(origins: readonly string[]): AllowedOrigins {
  return new Map(origins.map((origin) => [origin, headersFor(origin)]));
}

/** Returns the CORS headers of a response. There are none where no origin is listed: then no page may read a response. */
export function corsHeaders(request: GuardRequest, origins: AllowedOrigins): HeaderMap {
  if (origins.size === 0) return SILENT;
  return origins.get(request.header("origin") ?? "") ?? UNLISTED;
}

/** True for a preflight, with which a browser asks if a page of a listed origin may send the real request. */
export function isPreflight(request: GuardRequest, origins: AllowedOrigins): boolean {
  if (request.method !== "OPTIONS" || request.header("access-control-request-method") === undefined)
    return false;
  return origins.has(request.header("origin") ?? "");
}

/** Returns the headers that answer a preflight from a listed origin. A preflight carries no credential, so it needs none. */
export function preflightHeaders(request: GuardRequest): HeaderMap {
  const asked = request.header("access-control-request-headers");
  return {
    "access-control-allow-origin": request.header("origin") ?? "",
    "access-control-allow-methods": METHODS,
    "access-control-allow-headers": asked !== undefined && HEADER_NAMES.test(asked) ? asked : DEFAULT_HEADERS,
    "access-control-max-age": String(MAX_AGE_SECONDS),
    vary: "Origin, Access-Control-Request-Headers",
  };
}

function headersFor(origin: string): HeaderMap {
  return { "access-control-allow-origin": origin, "access-control-expose-headers": "*", vary: "Origin" };
}
