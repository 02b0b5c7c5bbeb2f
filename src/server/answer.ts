/** Responses of the control plane: JSON, an empty body, a stream, or an RFC 9457 problem. */
import { STATUS_CODES } from "node:http";
import { AtlasError, isAtlasError } from "../errors.ts";
import { defined } from "../internal/defined.ts";
import type { Plane } from "./options.ts";

/** On every response: no cache may keep it, and no browser may guess its type. */
const HEADERS = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

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

/** A response whose body is an event stream. */
export function streamed(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, {
    headers: { ...HEADERS, "content-type": "text/event-stream", "x-accel-buffering": "no" },
  });
}

/** A refusal with an HTTP status more precise than the status of its code, or with headers. */
export class RouteRefusal extends Error {
  override readonly name = "RouteRefusal";
  readonly error: AtlasError;
  readonly status: number;
  readonly headers: Headers;

  constructor(status: number, error: AtlasError, headers: Headers = {}) {
    super(error.message);
    this.error = error;
    this.status = status;
    this.headers = headers;
  }
}

/** The problem response for a thrown value. */
export function toProblemResponse(plane: Plane, thrown: unknown): Response {
  if (!(thrown instanceof RouteRefusal)) {
    const error = isAtlasError(thrown) ? thrown : failureOf(plane, "the control plane", thrown);
    return problem(error, {}, {});
  }
  const { error, status, headers } = thrown;
  return problem(error, { status, title: STATUS_CODES[status] ?? error.toProblem().title }, headers);
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

/** The error for an unexpected failure: the log has the failure itself, and the client sees none of its message. */
export function failureOf({ logger }: Plane, what: string, thrown: unknown): AtlasError {
  logger?.error(`${what} failed`, { error: thrown instanceof Error ? thrown.stack : "not an Error" });
  return new AtlasError("UNAVAILABLE", `${what} failed; its log says why`);
}
