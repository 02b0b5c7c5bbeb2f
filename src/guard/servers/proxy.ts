/** The guard as a reverse proxy in front of any server. It streams HTTP, SSE, big bodies and WebSockets without buffering. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "../../clock.ts";
import { orAfter } from "../../internal/within.ts";
import type { GuardCore } from "../core.ts";
import { unreachableAnswer } from "../verdict/answers.ts";
import type { GuardVerdict } from "../verdict/request.ts";
import { Connections } from "./connections.ts";
import type { ForwardedMode } from "./forwarded-headers.ts";
import { type Exchange, Forwarder } from "./forwarder.ts";
import { judgeRequest, judgeUpgrade, type SentAnswer, sendAnswer, sendAnswerOnSocket } from "./node.ts";
import { beginLine, type RequestLog } from "./request-log.ts";
import type { TargetWatch } from "./target.ts";
import { openWebSocket } from "./upgrader.ts";

/** Longer than the idle time of every edge, so that an edge never writes to a connection that this server has just closed. */
const KEEP_ALIVE_MILLISECONDS = 125_000;
/** The time in which a caller has to send the head of a request. */
const HEAD_MILLISECONDS = 15_000;
/** The interval of the search for connections whose time has passed. */
const CHECK_MILLISECONDS = 1000;
const DEFAULT_MAX_CONNECTIONS = 10_000;

/** The parts that the proxy needs. */
export interface GuardProxyOptions {
  readonly core: GuardCore;
  readonly target: URL;
  readonly watch: TargetWatch;
  readonly clock: Clock;
  readonly log: RequestLog;
  /** Takes an error that no message should be able to cause: a defect of the guard. */
  readonly onDefect: (error: unknown) => void;
  /** The most open connections. @default 10000 */
  readonly maxConnections?: number | undefined;
  /** True behind an edge, through which all users come from one address. @default false */
  readonly trustProxy?: boolean | undefined;
  /** The treatment of the addresses that earlier proxies have noted. @default "append" */
  readonly forwarded?: ForwardedMode | undefined;
}

/** A guard in front of another server. */
export class GuardProxy {
  /** The server, which does not listen yet. */
  readonly server: Server;
  readonly #options: GuardProxyOptions;
  readonly #forwarder: Forwarder;
  readonly #connections: Connections;
  /** A count and not a set: a growing set leaves old tables behind that keep dead responses through V8's minor collections. */
  #pending = 0;
  #isClosing = false;
  readonly #idle = Promise.withResolvers<void>();
  readonly #sockets = new Set<Duplex>();

  constructor(options: GuardProxyOptions) {
    this.#options = options;
    const { target, forwarded = "append", trustProxy = false } = options;
    const { maxConnections = DEFAULT_MAX_CONNECTIONS } = options;
    this.#connections = new Connections({ maxConnections, trustProxy });
    this.#forwarder = new Forwarder({
      target,
      forwarded,
      onFailure: (exchange, error) => answerFailure(exchange, this.#failureAnswer(error)),
    });
    this.server = createServer({
      headersTimeout: HEAD_MILLISECONDS,
      connectionsCheckingInterval: CHECK_MILLISECONDS,
      // A big upload may take any time.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
      // Every other upgrade is an offer that a server may ignore (RFC 9110, section 7.8).
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
    });
    this.#listenTo(this.server);
  }

  /** Accepts no more connections, waits for the open requests, then closes the remaining connections. */
  async close(graceSeconds: number): Promise<void> {
    this.server.close();
    await this.#drained(graceSeconds);
    for (const socket of this.#sockets) socket.destroy();
    this.server.closeAllConnections();
    this.#forwarder.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(0);
  }

  #listenTo(server: Server): void {
    // Node would drop the headers above its count without a word; their size is bounded.
    server.maxHeadersCount = 0;
    server.on("connection", (socket) => this.#connections.add(socket));
    server.on("request", (request, response) => this.#onRequest(request, response));
    server.on("checkContinue", (request, response) =>
      this.#onRequest(request, response, () => response.writeContinue()),
    );
    server.on("checkExpectation", (request, response) => this.#onRequest(request, response));
    server.on("upgrade", (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  /** Takes a request. `onPass` is called before the body of an accepted request is read. */
  #onRequest(request: IncomingMessage, response: ServerResponse, onPass?: () => void): void {
    const { core, clock, log, onDefect } = this.#options;
    const line = beginLine(request, clock, log);
    this.#pending += 1;
    response.once("close", () => {
      this.#pending -= 1;
      this.#connections.end(request.socket);
      this.#noteIdle();
      line.write(response.statusCode);
    });
    const attempt = attemptOr((error) => {
      onDefect(error);
      if (response.headersSent) response.destroy();
      else sendAnswer(request, response, unreachableAnswer(false));
    });
    const judged = (verdict: GuardVerdict): void => {
      line.judged(verdict);
      if (verdict.kind !== "pass" || response.destroyed) return;
      this.#connections.begin(request.socket, verdict.credential !== "none");
      onPass?.();
      this.#forward({ request, response, pass: verdict });
    };
    attempt(() => judgeRequest(core, request, response, (verdict) => attempt(() => judged(verdict))));
  }

  #forward(exchange: Exchange): void {
    if (this.#options.watch.isListening) this.#forwarder.forward(exchange);
    else answerFailure(exchange, unreachableAnswer(true));
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { core, clock, log, onDefect, watch } = this.#options;
    const line = beginLine(request, clock, log);
    let status = 502;
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      line.write(status);
    });
    const answer = (own: SentAnswer): void => {
      status = own.status;
      sendAnswerOnSocket(socket, own);
    };
    const attempt = attemptOr((error) => {
      onDefect(error);
      answer(unreachableAnswer(false));
    });
    const judged = (verdict: GuardVerdict): void => {
      line.judged(verdict);
      if (verdict.kind !== "pass") {
        status = verdict.status;
        return;
      }
      if (socket.destroyed) return;
      this.#connections.begin(request.socket, verdict.credential !== "none");
      if (!watch.isListening) return void answer(unreachableAnswer(true));
      openWebSocket(this.#forwarder, {
        request,
        pass: verdict,
        socket,
        head,
        clock,
        onAnswer: (given) => {
          status = given;
        },
        onFailure: (error) => answer(this.#failureAnswer(error)),
      });
    };
    attempt(() => judgeUpgrade(core, request, socket, (verdict) => attempt(() => judged(verdict))));
  }

  #failureAnswer({ code }: NodeJS.ErrnoException): SentAnswer {
    const isStarting = code === "ECONNREFUSED";
    if (isStarting) this.#options.watch.noteRefusal();
    return unreachableAnswer(isStarting);
  }

  async #drained(graceSeconds: number): Promise<void> {
    this.#isClosing = true;
    this.#noteIdle();
    await orAfter(this.#options.clock, graceSeconds, this.#idle.promise);
  }

  #noteIdle(): void {
    if (this.#isClosing && this.#pending === 0) this.#idle.resolve();
  }
}

/** Makes a function that runs work, and gives an error of it to `onError`. */
function attemptOr(onError: (error: unknown) => void): (work: () => void) => void {
  return (work) => {
    try {
      work();
    } catch (error) {
      onError(error);
    }
  };
}

/** Answers a request that the server behind did not answer. */
function answerFailure({ request, response, pass }: Exchange, { status, headers, body }: SentAnswer): void {
  sendAnswer(request, response, { status, headers: { ...headers, ...pass.headers }, body });
}
