/** The guard as a reverse proxy in front of any server. It streams HTTP, SSE, big bodies and WebSockets without buffering. */
import { Agent, createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import { Agent as SecureAgent } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createProxyServer, type ProxyServer } from "httpxy";
import type { Clock } from "../../clock.ts";
import { orAfter } from "../../internal/within.ts";
import type { GuardCore } from "../core.ts";
import { unreachableAnswer } from "../verdict/answers.ts";
import { SUBPROTOCOL } from "../verdict/credentials.ts";
import { admitRequest, admitUpgrade, sendAnswer, sendAnswerOnSocket } from "./node.ts";
import { beginLine, type RequestLog } from "./request-log.ts";
import type { TargetWatch } from "./target.ts";

/** Longer than the idle time of every edge, so that an edge never writes to a connection that this server has just closed. */
const KEEP_ALIVE_MILLISECONDS = 125_000;
/** Shorter than the idle time of servers (uvicorn: 5 s), for the same reason. */
const TARGET_IDLE_MILLISECONDS = 4000;
/** The time in which the server behind has to open a WebSocket. Nothing else ends an upgrade whose client has left. */
const UPGRADE_MILLISECONDS = 60_000;

/** The parts that the proxy needs. */
export interface GuardProxyOptions {
  readonly core: GuardCore;
  readonly target: URL;
  readonly watch: TargetWatch;
  readonly clock: Clock;
  readonly log: RequestLog;
}

/** A guard in front of another server. */
export class GuardProxy {
  /** The server, which does not listen yet. */
  readonly server: Server;
  readonly #options: GuardProxyOptions;
  readonly #proxy: ProxyServer;
  readonly #agent: Agent;
  /** A count and not a set: a growing set leaves old tables behind that keep dead responses through V8's minor collections. */
  #pending = 0;
  #isClosing = false;
  readonly #idle = Promise.withResolvers<void>();
  readonly #sockets = new Set<Duplex>();
  /** Sockets that carry WebSocket frames and no HTTP any more. */
  readonly #upgraded = new WeakSet<Duplex>();

  constructor(options: GuardProxyOptions) {
    this.#options = options;
    const agentOptions = { keepAlive: true, timeout: TARGET_IDLE_MILLISECONDS };
    this.#agent =
      options.target.protocol === "https:" ? new SecureAgent(agentOptions) : new Agent(agentOptions);
    this.#proxy = this.#createProxy();
    this.server = createServer({
      // A big upload may take any time.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
    });
    this.server.on("request", (request, response) => this.#onRequest(request, response));
    this.server.on("upgrade", (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  /** Accepts no more connections, waits for the open requests, then closes the remaining connections. */
  async close(graceSeconds: number): Promise<void> {
    this.server.close();
    await this.#drained(graceSeconds);
    for (const socket of this.#sockets) socket.destroy();
    this.server.closeAllConnections();
    this.#agent.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(0);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { core, clock, log, watch } = this.#options;
    const line = beginLine(request, clock, log);
    this.#pending += 1;
    response.once("close", () => {
      this.#pending -= 1;
      this.#noteIdle();
      line.write(response.statusCode);
    });
    const verdict = admitRequest(core, request, response);
    line.judged(verdict);
    if (verdict.kind !== "pass") return;
    if (watch.isListening) void this.#proxy.web(request, response);
    else sendAnswer(response, unreachableAnswer(true));
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { core, clock, log, watch } = this.#options;
    const line = beginLine(request, clock, log);
    const verdict = admitUpgrade(core, request, socket);
    line.judged(verdict);
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      line.write(verdict.kind === "pass" ? (this.#upgraded.has(socket) ? 101 : 502) : verdict.status);
    });
    if (verdict.kind !== "pass") return;
    if (watch.isListening) void this.#proxy.ws(request, socket as Socket, {}, head);
    else sendAnswerOnSocket(socket, unreachableAnswer(true));
  }

  #createProxy(): ProxyServer {
    const { target } = this.#options;
    const proxy = createProxyServer({
      target,
      agent: this.#agent,
      xfwd: true,
      upgradeTimeout: UPGRADE_MILLISECONDS,
    });
    proxy.on("proxyReqWs", (outgoing, request, socket) => {
      outgoing.once("upgrade", ({ headers }) => {
        this.#upgraded.add(socket);
        if (isOffered(request)) headers["sec-websocket-protocol"] ??= SUBPROTOCOL;
      });
    });
    proxy.on("proxyRes", ({ headers }) => {
      // These headers describe the connection to the server behind.
      delete headers.connection;
      delete headers["keep-alive"];
    });
    proxy.on("error", (error, _request, response) => this.#onError(error, response));
    return proxy;
  }

  #onError(error: NodeJS.ErrnoException, response: ServerResponse | Socket | undefined): void {
    const isStarting = error.code === "ECONNREFUSED";
    if (isStarting) this.#options.watch.noteRefusal();
    const answer = unreachableAnswer(isStarting);
    if (response instanceof ServerResponse) {
      if (response.headersSent) response.destroy();
      else sendAnswer(response, answer);
    } else if (response !== undefined && !this.#upgraded.has(response)) sendAnswerOnSocket(response, answer);
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

/** True for a browser that offers the guard's subprotocol: it fails without an answer, and most servers do not know the name. */
function isOffered({ headers }: IncomingMessage): boolean {
  const offered = headers["sec-websocket-protocol"]?.split(",") ?? [];
  return offered.some((name) => name.trim() === SUBPROTOCOL);
}
