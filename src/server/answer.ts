/** What the control plane answers: JSON, nothing, or an RFC 9457 problem. */
import { STATUS_CODES } from "node:http";
import { AtlasError, isAtlasError } from "../errors.ts";
import type { Plane } from "./options.ts";

/** On every answer: whatever is answered here is for the one who asked, now. */
const HEADERS = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

type Headers = Readonly<Record<string, string>>;

/** An answer in JSON. */
export function json(status: number, body: unknown, headers: Headers = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...HEADERS, "content-type": "application/json", ...headers },
  });
}

/** An answer without a body. */
export function noContent(headers: Headers = {}): Response {
  return new Response(null, { status: 204, headers: { ...HEADERS, ...headers } });
}

/** An answer that goes on. */
export function streamed(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, {
    headers: { ...HEADERS, "content-type": "text/event-stream", "x-accel-buffering": "no" },
  });
}

/** A refusal whose HTTP status says more than its code's own, or that has headers. */
export class Refusal extends Error {
  override readonly name = "Refusal";
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

/** The problem that answers what was thrown. */
export function toProblemResponse(plane: Plane, thrown: unknown): Response {
  if (!(thrown instanceof Refusal)) {
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
    ...(body.status === 401 ? { "www-authenticate": 'Bearer realm="atlas"' } : {}),
    ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterSeconds)) }),
    ...headers,
  });
}

/** The error for a failure that is nobody's to see but the application's: it is logged, and told without its message. */
export function failureOf({ logger }: Plane, what: string, thrown: unknown): AtlasError {
  logger?.error(`${what} failed`, { error: thrown instanceof Error ? thrown.stack : "not an Error" });
  return new AtlasError("UNAVAILABLE", `${what} failed; its log says why`);
}
