import { originPattern } from "../../internal/origins.ts";
import type { GuardRequest, HeaderMap } from "./request.ts";

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*$/;
const DEFAULT_HEADERS = "authorization, content-type";
/** Chromium's limit, the highest of all browsers, for keeping a preflight's answer. */
const MAX_AGE_SECONDS = 7200;

const UNLISTED: HeaderMap = { vary: "Origin" };
const SILENT: HeaderMap = {};

/** The origins whose pages may call the pod. */
export interface AllowedOrigins {
  readonly isEmpty: boolean;
  /** Returns the headers of a response to a page of this origin; `undefined` when it may not call. */
  headersOf(origin: string): HeaderMap | undefined;
}

/** Prepares the response headers of each origin. A pattern's `*` stands for one or more of `a-z`, `0-9` and `-`. */
export function allowOrigins(origins: readonly string[]): AllowedOrigins {
  const listed = new Map(origins.map((origin) => [origin, headersFor(origin)]));
  const patterns = origins.flatMap((origin) => originPattern(origin) ?? []);
  return {
    isEmpty: origins.length === 0,
    headersOf: (origin) =>
      listed.get(origin) ?? (patterns.some((matches) => matches(origin)) ? headersFor(origin) : undefined),
  };
}

/** Returns the CORS headers of a response. There are none where no origin is listed: then no page may read a response. */
export function corsHeaders(request: GuardRequest, origins: AllowedOrigins): HeaderMap {
  if (origins.isEmpty) return SILENT;
  return origins.headersOf(request.header("origin") ?? "") ?? UNLISTED;
}

/**
 * Returns the origin of a page that asks to read an answer and may not, for the log. The pod's own pages send an `Origin` only with other methods,
 * and CORS does not apply to a WebSocket.
 */
export function refusedOrigin(request: GuardRequest, origins: AllowedOrigins): string | undefined {
  const origin = request.header("origin");
  if (origin === undefined || origins.headersOf(origin) !== undefined) return undefined;
  const isRead = /^(?:GET|HEAD)$/.test(request.method) && request.header("upgrade") === undefined;
  return isRead || isAskedFirst(request) ? origin : undefined;
}

/** True for a preflight, with which a browser asks if a page of a listed origin may send the real request. */
export function isPreflight(request: GuardRequest, origins: AllowedOrigins): boolean {
  return isAskedFirst(request) && origins.headersOf(request.header("origin") ?? "") !== undefined;
}

function isAskedFirst(request: GuardRequest): boolean {
  return request.method === "OPTIONS" && request.header("access-control-request-method") !== undefined;
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
