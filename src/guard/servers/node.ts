/** The guard in front of `node:http` and Express: requests and upgrades. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { GuardCore } from "../core.ts";
import type { GuardAnswer, GuardHeader, GuardPass, GuardRequest, GuardVerdict } from "../verdict/request.ts";
import { isMisread, isMounted, receivedUrl, replaceMountedUrl } from "./express.ts";
import { hasBody } from "./framing.ts";
import { hostOf, isHttp2, keepUnread } from "./http2.ts";
import { destroyLater } from "./linger.ts";
import { guardResponse } from "./node-response.ts";
import { replaceHeaders } from "./passed-request.ts";
import { isAmbiguous } from "./reading.ts";

/** The function that a `node:http` server calls with each request. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => void;

/** The function that a `node:http` server calls with each upgrade. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** The parts of an answer that are sent. */
export type SentAnswer = Pick<GuardAnswer, "status" | "headers" | "body">;

/** Takes a verdict: at once, or when the control plane has answered a question. */
export type Judged = (verdict: GuardVerdict) => void;

/** Judges a request, and answers it unless it passes. */
export function judgeRequest(
  core: GuardCore,
  request: IncomingMessage,
  response: ServerResponse,
  judged: Judged,
): void {
  whenJudged(core.judge(toGuardRequest(request)), (verdict) => {
    if (verdict.kind !== "pass") sendAnswer(request, response, verdict);
    else if (core.isWatching(verdict)) response.once("close", core.watch(byteCounter(request)));
    judged(verdict);
  });
}

/** Judges an upgrade, and answers it unless it passes. An upgrade to anything but a WebSocket is refused. */
export function judgeUpgrade(
  core: GuardCore,
  request: IncomingMessage,
  socket: Duplex,
  judged: Judged,
): void {
  const isAllowed = isWebSocket(request);
  const verdict = core.judge({ ...toGuardRequest(request), ...(isAllowed ? {} : { isAmbiguous: true }) });
  // Node has let go of the socket, and an error that no listener takes would end the process.
  socket.on("error", () => socket.destroy());
  whenJudged(verdict, (found) => {
    if (found.kind !== "pass") sendAnswerOnSocket(socket, found);
    else if (core.isWatching(found)) socket.once("close", core.watch(byteCounter(request)));
    judged(found);
  });
}

/** Judges a request, and answers it or removes its credential so that it can go on. */
export function admitRequest(
  core: GuardCore,
  request: IncomingMessage,
  response: ServerResponse,
  goOn: () => void,
): void {
  judgeRequest(core, request, response, (verdict) => {
    if (verdict.kind !== "pass") return;
    guardResponse(response, verdict);
    stripRequest(request, verdict);
    invite(request, response);
    goOn();
  });
}

/** Tells a caller that waits for it to send its body. Node has done so already, unless the server listens to `checkContinue`. */
function invite(request: IncomingMessage, response: ServerResponse): void {
  const isWaiting = request.headers.expect?.toLowerCase() === "100-continue";
  const isInvited = isHttp2(request)
    ? (request.stream.sentInfoHeaders?.length ?? 0) > 0
    : (response as ServerResponse & { _sent100?: boolean })._sent100;
  if (isWaiting && !isInvited) response.writeContinue();
}

/** Judges an upgrade, and answers it or removes its credential so that it can go on. */
export function admitUpgrade(
  core: GuardCore,
  request: IncomingMessage,
  socket: Duplex,
  goOn: () => void,
): void {
  judgeUpgrade(core, request, socket, (verdict) => {
    if (verdict.kind !== "pass") return;
    stripRequest(request, verdict);
    goOn();
  });
}

/** Waits only for a verdict that is not there yet, because a turn of the event loop costs more than most verdicts. */
function whenJudged(verdict: GuardVerdict | Promise<GuardVerdict>, use: Judged): void {
  if (verdict instanceof Promise) void verdict.then(use);
  else use(verdict);
}

/** True for a request to open a WebSocket: a GET without a body that asks for exactly this protocol. */
function isWebSocket(request: IncomingMessage): boolean {
  const { method, httpVersion, headers } = request;
  return (
    method === "GET" &&
    httpVersion === "1.1" &&
    !hasBody(request) &&
    headers.upgrade?.toLowerCase() === "websocket"
  );
}

/**
 * Sends the guard's own answer. A body that comes with the request is not read: the connection ends instead, once the caller had the
 * time to read the answer.
 */
export function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: SentAnswer,
): void {
  const length = status === 204 ? {} : { "content-length": String(Buffer.byteLength(body)) };
  if (isHttp2(request)) keepUnread(request);
  if (isHttp2(request) || !hasBody(request)) {
    response.writeHead(status, { ...headers, ...length });
    response.end(request.method === "HEAD" ? "" : body);
    return;
  }
  response.writeHead(status, { ...headers, ...length, connection: "close" });
  // The end of the response would make Node read the body.
  if (body === "" || request.method === "HEAD") response.flushHeaders();
  else response.write(body);
  destroyLater(request.socket);
}

/** Sends the guard's own answer on the socket of an upgrade, and closes the socket, whatever else the caller sends. */
export function sendAnswerOnSocket(socket: Duplex, { status, headers, body }: SentAnswer): void {
  const length = { "content-length": String(Buffer.byteLength(body)), connection: "close" };
  const lines = Object.entries({ ...headers, ...length }).map(([name, value]) => `${name}: ${value}`);
  socket.on("error", () => socket.destroy());
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, "", body].join("\r\n"));
  destroyLater(socket);
}

function byteCounter({ socket }: IncomingMessage): () => number {
  return () => socket.bytesRead + socket.bytesWritten;
}

function toGuardRequest(request: IncomingMessage): GuardRequest {
  return {
    method: request.method ?? "",
    url: receivedUrl(request),
    header: (name) => headerOf(request, name),
    isAmbiguous: isAmbiguous(request, receivedUrl(request)) || isMisread(request),
  };
}

/**
 * Reads a header with every line of it. Node joins the lines of all that the guard reads but those of a few: of a second `Referer` it keeps nothing,
 * and a second line of the others makes a request ambiguous.
 */
function headerOf({ headers, rawHeaders }: IncomingMessage, name: GuardHeader): string | undefined {
  const value = name === "host" ? hostOf(headers) : headers[name];
  if (value === undefined || name !== "referer") return value?.toString();
  return rawHeaders
    .filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)
    .join(", ");
}

/** Removes the credential from a request that goes on. */
function stripRequest(request: IncomingMessage, pass: GuardPass): void {
  if (isMounted(request)) replaceMountedUrl(request, pass.url);
  else request.url = pass.url;
  replaceHeaders(request, pass);
}
