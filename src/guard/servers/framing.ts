/** The framing of messages that the proxy writes: one for each, chosen here and never copied. */
import type { IncomingMessage } from "node:http";

/** Methods whose requests usually have no body, and so need no length when they have none. */
const BODILESS = new Set(["GET", "HEAD", "OPTIONS", "DELETE", "TRACE"]);
const REASON = /^[\t -~\x80-\xff]*$/;

/** True when a request has a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;
}

/** Frames a request for the server behind. */
export function requestFraming(request: IncomingMessage): readonly string[] {
  const { method = "", headers } = request;
  if (!hasBody(request)) return BODILESS.has(method) ? [] : ["Content-Length", "0"];
  // A server that does not read a body would take it for the next request, so no request follows on this connection.
  const close = ["Connection", "close"];
  const length = headers["content-length"];
  return [
    ...close,
    ...(length === undefined ? ["Transfer-Encoding", "chunked"] : ["Content-Length", length]),
  ];
}

/** Frames an answer for the caller. Node chunks an answer without a length, or closes the connection of an HTTP/1.0 caller after it. */
export function answerFraming({ statusCode, headers }: IncomingMessage): readonly string[] {
  const length = headers["content-length"];
  if (length === undefined || headers["transfer-encoding"] !== undefined || statusCode === 204) return [];
  return ["Content-Length", length];
}

/** True when an answer can go on: its status is one of HTTP, and its body has no coding that the proxy would have to name. */
export function isPassable({ statusCode = 0, headers }: IncomingMessage): boolean {
  const coding = headers["transfer-encoding"]?.toLowerCase() ?? "chunked";
  return statusCode >= 200 && statusCode <= 599 && coding === "chunked";
}

/** Returns the reason phrase of an answer when it can be sent on, and an empty one otherwise. */
export function reasonOf({ statusMessage = "" }: IncomingMessage): string {
  return REASON.test(statusMessage) ? statusMessage : "";
}
