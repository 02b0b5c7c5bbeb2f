/** Requests of `node:http2`, which reach a listener in the form of those of `node:http`. HTTP/2 frames their bodies, and Node refuses the headers of a connection. */
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { destroyLater } from "./linger.ts";

/** The function that a `node:http2` server calls with each request. */
export type Http2Listener = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** A request of HTTP/2, as far as its form is that of `node:http`. */
interface Http2Request extends IncomingMessage {
  readonly stream: Http2ServerRequest["stream"];
}

/** True for a request of HTTP/2. Its version does not tell: the first line of a request of HTTP/1 can name any. */
export function isHttp2(request: object): request is Http2Request {
  return "stream" in request;
}

/** True for a request whose body may still come. */
export function hasOpenBody({ stream }: Http2Request): boolean {
  return !stream.endAfterHeaders;
}

/**
 * Leaves the body of a refused request unread, and ends its stream soon; other streams of the connection go on. Node would reset the stream together
 * with the answer, and curl then drops the answer.
 */
export function keepUnread({ stream }: Http2Request): void {
  if (stream.endAfterHeaders) return;
  stream.pause();
  destroyLater(stream);
}

/** The host that a request names, which HTTP/2 has in a field of its own. */
export function hostOf({ host, ...others }: IncomingMessage["headers"]): string | undefined {
  return host ?? others[":authority"]?.toString();
}
