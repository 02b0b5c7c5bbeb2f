/** Responses of the control plane: JSON, an empty body, a stream, or an RFC 9457 problem. */
import { STATUS_CODES } from "node:http";
import { AtlasError, isAtlasError } from "../errors.ts";
import { defined } from "../internal/defined.ts";
import type { Plane } from "./options.ts";
import { type Reader, toldError } from "./told-error.ts";

/** On every response: no cache may keep it, no browser may guess its type, and no page of another origin may embed it. */
const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
};

type Headers = Readonly<Record<string, string>>;

/** A response in JSON. */
export function json(status: number, body: unknown, headers: Headers = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...HEADERS, "content-type": "application/json", ...headers },
  });
}

/** A response without a body. */
export function noContent(headers: Headers = {}): Response {
  return new Response(null, { status: 204, headers: { ...HEADERS, ...headers } });
}

/** A response whose body is an event stream; the last one of its connection when the process is to end. */
export function streamed(body: ReadableStream<Uint8Array>, { isLast }: { isLast: boolean }): Response {
  const headers = { ...HEADERS, "content-type": "text/event-stream", "x-accel-buffering": "no" };
  return new Response(body, { headers: isLast ? { ...headers, connection: "close" } : headers });
}

/** A refusal whose words the caller may read: with an HTTP status more precise than the status of its code, or with headers. */
export class RouteRefusal extends Error {
  override readonly name = "RouteRefusal";
  readonly error: AtlasError;
  readonly status: number | undefined;
  readonly headers: Headers;

  constructor(status: number | undefined, error: AtlasError, headers: Headers = {}) {
    super(error.message);
    this.error = error;
    this.status = status;
    this.headers = headers;
  }
}

/** The problem response for a thrown value, in words for this reader. */
export function toProblemResponse(plane: Plane, reader: Reader, thrown: unknown): Response {
  if (!(thrown instanceof RouteRefusal)) {
    const error = isAtlasError(thrown) ? thrown : failureOf(plane, "the control plane", thrown);
    return problem(toldError(plane, reader, error), {}, {});
  }
  const { error, status, headers } = thrown;
  const title = status === undefined ? undefined : STATUS_CODES[status];
  return problem(error, defined({ status, title }), headers);
}

function problem(error: AtlasError, own: { status?: number; title?: string }, headers: Headers): Response {
  const body = { ...error.toProblem(), ...own };
  const { retryAfterSeconds } = error;
  return json(body.status, body, {
    "content-type": "application/problem+json",
    ...defined({
      "www-authenticate": body.status === 401 ? 'Bearer realm="atlas"' : undefined,
      "retry-after": retryAfterSeconds === undefined ? undefined : String(Math.ceil(retryAfterSeconds)),
    }),
    ...headers,
  });
}

/** Adds headers to a response. */
export function withHeaders(response: Response, headers: Headers): Response {
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}

/** The error for an unexpected failure: the log has the failure itself, and the client sees none of its message. */
export function failureOf({ logger }: Plane, what: string, thrown: unknown): AtlasError {
  logger?.error(`${what} failed`, { error: thrown instanceof Error ? thrown.stack : "not an Error" });
  return new AtlasError("UNAVAILABLE", `${what} failed; its log says why`);
}
