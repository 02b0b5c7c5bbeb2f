import type { GuardRequest, HeaderMap } from "./request.ts";

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*$/;
const USUAL_HEADERS = "authorization, content-type";
/** The longest that any browser keeps a preflight's answer (Chromium). */
const MAX_AGE_SECONDS = 7200;

const UNLISTED: HeaderMap = { vary: "Origin" };
const SILENT: HeaderMap = {};

/** The origins whose pages may call, each with what every response says to it. */
export type AllowedOrigins = ReadonlyMap<string, HeaderMap>;

/** Lists origins. */
export function allowOrigins(origins: readonly string[]): AllowedOrigins {
  return new Map(origins.map((origin) => [origin, headersFor(origin)]));
}

/** What every response says about its origin. Nothing where no origins are listed: then no page may read it. */
export function corsHeaders(request: GuardRequest, origins: AllowedOrigins): HeaderMap {
  if (origins.size === 0) return SILENT;
  return origins.get(request.header("origin") ?? "") ?? UNLISTED;
}

/** Whether a browser asks, before the real request, if a page of a listed origin may make it. */
export function isPreflight(request: GuardRequest, origins: AllowedOrigins): boolean {
  if (request.method !== "OPTIONS" || request.header("access-control-request-method") === undefined)
    return false;
  return origins.has(request.header("origin") ?? "");
}

/** The answer's headers to a preflight from a listed origin. It carries no credential, so it is asked for none. */
export function preflightHeaders(request: GuardRequest): HeaderMap {
  const asked = request.header("access-control-request-headers");
  return {
    "access-control-allow-origin": request.header("origin") ?? "",
    "access-control-allow-methods": METHODS,
    "access-control-allow-headers": asked !== undefined && HEADER_NAMES.test(asked) ? asked : USUAL_HEADERS,
    "access-control-max-age": String(MAX_AGE_SECONDS),
    vary: "Origin, Access-Control-Request-Headers",
  };
}

function headersFor(origin: string): HeaderMap {
  return { "access-control-allow-origin": origin, "access-control-expose-headers": "*", vary: "Origin" };
}
