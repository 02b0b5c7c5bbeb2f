/** The guard in front of `node:http` and Express: requests and upgrades. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { GuardCore } from "../core.ts";
import type { GuardAnswer, GuardHeader, GuardPass, GuardRequest, GuardVerdict } from "../verdict/request.ts";
import { replaceCorsHeaders } from "./node-response.ts";

/** The function that a `node:http` server calls with each request. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => void;

/** The function that a `node:http` server calls with each upgrade. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** The parts of an answer that are sent. */
export type SentAnswer = Pick<GuardAnswer, "status" | "headers" | "body">;

/** Judges a request, and answers it or removes its credential so that it can go on. */
export function admitRequest(
  core: GuardCore,
  request: IncomingMessage,
  response: ServerResponse,
): GuardVerdict {
  const verdict = core.judge(toGuardRequest(request));
  if (verdict.kind !== "pass") {
    sendAnswer(response, verdict);
    return verdict;
  }
  replaceCorsHeaders(response, verdict.headers);
  stripRequest(request, verdict);
  if (core.isWatching(verdict)) response.once("close", core.watch(byteCounter(request)));
  return verdict;
}

/** Judges an upgrade, and answers it or removes its credential so that it can go on. */
export function admitUpgrade(core: GuardCore, request: IncomingMessage, socket: Duplex): GuardVerdict {
  const verdict = core.judge(toGuardRequest(request));
  if (verdict.kind !== "pass") {
    sendAnswerOnSocket(socket, verdict);
    return verdict;
  }
  stripRequest(request, verdict);
  if (core.isWatching(verdict)) socket.once("close", core.watch(byteCounter(request)));
  return verdict;
}

/** Sends the guard's own answer. */
export function sendAnswer(response: ServerResponse, { status, headers, body }: SentAnswer): void {
  const length = status === 204 ? {} : { "content-length": String(Buffer.byteLength(body)) };
  response.writeHead(status, { ...headers, ...length });
  response.end(body);
}

/** Sends the guard's own answer on the socket of an upgrade, and closes the socket. */
export function sendAnswerOnSocket(socket: Duplex, { status, headers, body }: SentAnswer): void {
  const length = { "content-length": String(Buffer.byteLength(body)), connection: "close" };
  const lines = Object.entries({ ...headers, ...length }).map(([name, value]) => `${name}: ${value}`);
  socket.on("error", () => socket.destroy());
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, "", body].join("\r\n"));
}

function byteCounter({ socket }: IncomingMessage): () => number {
  return () => socket.bytesRead + socket.bytesWritten;
}

function toGuardRequest(request: IncomingMessage): GuardRequest {
  return {
    method: request.method ?? "",
    url: originalUrl(request) ?? request.url ?? "",
    header: (name) => headerOf(request, name),
  };
}

/** Joins every `Authorization`. Node's `headers` holds only the first one. */
function headerOf(request: IncomingMessage, name: GuardHeader): string | undefined {
  const value = request.headers[name] as string | undefined;
  if (name !== "authorization" || value === undefined) return value;
  const { rawHeaders } = request;
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (isNamed(rawHeaders[index], name)) values.push(rawHeaders[index + 1] ?? "");
  return values.join(", ");
}

/** Returns Express's `originalUrl`: the received URL. Its `url` is only the rest below a mount point. */
function originalUrl(request: IncomingMessage): string | undefined {
  return "originalUrl" in request && typeof request.originalUrl === "string"
    ? request.originalUrl
    : undefined;
}

/** Removes the credential from a request that goes on. */
function stripRequest(request: IncomingMessage, { url, subprotocols }: GuardPass): void {
  if (originalUrl(request) === undefined) request.url = url;
  else stripMounted(request as IncomingMessage & { originalUrl: string; baseUrl?: string }, url);
  setHeader(request, "authorization", undefined);
  if (subprotocols !== undefined) setHeader(request, "sec-websocket-protocol", subprotocols || undefined);
}

function stripMounted(
  request: IncomingMessage & { originalUrl: string; baseUrl?: string },
  url: string,
): void {
  const rest = url.slice(request.baseUrl?.length ?? 0);
  request.url = rest.startsWith("/") ? rest : `/${rest}`;
  request.originalUrl = url;
}

/**
 * Replaces or removes a header, in `headers` and in `rawHeaders`. The function makes a new object, because V8 reads an object
 * slowly after a `delete`.
 */
function setHeader(request: IncomingMessage, name: GuardHeader, value: string | undefined): void {
  const { [name]: before, ...others } = request.headers;
  if (before === undefined) return;
  request.headers = value === undefined ? others : { ...others, [name]: value };
  const { rawHeaders } = request;
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2)
    if (isNamed(rawHeaders[index], name)) rawHeaders.splice(index, 2);
  if (value !== undefined) rawHeaders.push(name, value);
}

function isNamed(given: string | undefined, name: GuardHeader): boolean {
  return given?.length === name.length && given.toLowerCase() === name;
}
