/**
 * Forwards judged requests to the server behind, over Node's own HTTP client. Everything that goes on is written here, from what
 * was judged: one method, one target, one framing (`docs/decisions/0010-a-forwarder-of-our-own.md`).
 */
import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
  type ServerResponse,
} from "node:http";
import { request as requestHttps, Agent as SecureAgent } from "node:https";
import type { GuardPass } from "../verdict/request.ts";
import { answerHeaders, type ForwardedMode, requestHeaders } from "./forwarded-headers.ts";
import { answerFraming, hasBody, isPassable, reasonOf, requestFraming } from "./framing.ts";
import { destroyLater } from "./linger.ts";
import { PatientSocket } from "./patient-socket.ts";
import { hostOf, portOf } from "./target.ts";

/** Shorter than the idle time of servers (uvicorn: 5 s), so that the proxy never writes to a connection that a server has just closed. */
const IDLE_MILLISECONDS = 4000;
/** The largest head of an answer. */
const MAX_HEAD_BYTES = 64 * 1024;
/** Methods whose request may be sent again (RFC 9110, section 9.2.2). */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
const CUT: ReadonlySet<string | undefined> = new Set(["ECONNRESET", "EPIPE"]);

/** A judged request, and the response to its caller. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly pass: GuardPass;
}

/** The parts that the forwarder needs. */
export interface ForwarderOptions {
  readonly target: URL;
  readonly forwarded: ForwardedMode;
  /** Answers a request that the server behind did not answer. */
  readonly onFailure: (exchange: Exchange, error: NodeJS.ErrnoException) => void;
}

/** Forwards judged requests. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #agent: Agent;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    const agentOptions = { keepAlive: true, timeout: IDLE_MILLISECONDS };
    this.#agent = isSecure(options.target) ? new SecureAgent(agentOptions) : new Agent(agentOptions);
  }

  /** Sends a request on, and its answer back. */
  forward(exchange: Exchange): void {
    exchange.response.on("error", () => exchange.response.destroy());
    this.#send(exchange, hasBody(exchange.request) ? this.#ownConnection() : { agent: this.#agent });
  }

  /** Begins a request to the server behind, with further headers for its framing or its upgrade. */
  begin(
    { request, pass }: Pick<Exchange, "request" | "pass">,
    more: readonly string[],
    connection: RequestOptions,
  ): ClientRequest {
    const { target, forwarded } = this.#options;
    const host = request.headers.host === undefined ? ["Host", target.host] : [];
    const send = isSecure(target) ? requestHttps : requestHttp;
    return send({
      host: hostOf(target),
      port: portOf(target),
      ...connection,
      method: request.method,
      path: pass.url,
      headers: [...requestHeaders(request, pass, forwarded), ...host, ...more],
      maxHeaderSize: MAX_HEAD_BYTES,
    });
  }

  /** Closes the idle connections to the server behind. */
  close(): void {
    this.#agent.destroy();
  }

  #send(exchange: Exchange, connection: RequestOptions): void {
    const { request, response } = exchange;
    const outgoing = this.begin(exchange, requestFraming(request), connection);
    let isSettled = false;
    const fail = (error: NodeJS.ErrnoException): void => {
      if (isSettled || response.destroyed) return;
      isSettled = true;
      if (outgoing.reusedSocket && mayRepeat(request, error)) this.#send(exchange, { agent: false });
      else this.#options.onFailure(exchange, error);
    };
    outgoing.on("response", (answer) => {
      if (!isPassable(answer)) return void outgoing.destroy();
      isSettled = true;
      passOn(exchange, answer);
    });
    // A server may switch protocols only when it is asked to. The close that follows is the failure.
    outgoing.on("upgrade", (_answer, socket) => socket.destroy());
    outgoing.on("error", fail);
    outgoing.on("close", () => fail(new Error("The server behind closed the connection.")));
    response.once("close", () => outgoing.destroy());
    if (hasBody(request)) request.pipe(outgoing);
    else outgoing.end();
  }

  /** A connection that serves one request with a body, and then closes. */
  #ownConnection(): RequestOptions {
    const { target } = this.#options;
    if (isSecure(target)) return { agent: false };
    const address = { host: hostOf(target), port: portOf(target), noDelay: true };
    return { createConnection: () => new PatientSocket().connect(address) };
  }
}

function isSecure({ protocol }: URL): boolean {
  return protocol === "https:";
}

/** True for a request that another connection may carry again: a server closed a connection at the moment of its reuse. */
function mayRepeat({ method = "" }: IncomingMessage, { code }: NodeJS.ErrnoException): boolean {
  return IDEMPOTENT.has(method) && CUT.has(code);
}

/** Sends an answer on to the caller. An answer that breaks off is cut off, so that the caller does not take it for whole. */
function passOn({ request, response, pass }: Exchange, answer: IncomingMessage): void {
  const headers = [...answerHeaders(answer, pass), ...answerFraming(answer)];
  response.writeHead(answer.statusCode ?? 0, reasonOf(answer), headers);
  if (answer.headers["content-length"] === undefined) sendHeadSoon(response, answer);
  answer.on("error", () => response.destroy());
  answer.pipe(response, { end: false });
  answer.once("end", () => {
    response.end();
    if (!request.complete) endUpload(request);
  });
}

/** Sends the head of a stream whose first piece may come much later. */
function sendHeadSoon(response: ServerResponse, answer: IncomingMessage): void {
  let hasBegun = false;
  answer.once("data", () => {
    hasBegun = true;
  });
  setImmediate(() => {
    if (!hasBegun && !response.writableEnded) response.flushHeaders();
  });
}

/** Reads the rest of an upload that was answered early for a short time, and then closes the connection. */
function endUpload(request: IncomingMessage): void {
  const keep = destroyLater(request.socket);
  request.once("end", keep);
  request.unpipe();
  request.resume();
}
