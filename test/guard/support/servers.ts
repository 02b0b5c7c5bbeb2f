/** One guarded server for each adapter, in front of the same application, which returns the request that it saw. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import express from "express";
import { Hono } from "hono";
import { systemClock } from "../../../src/clock.ts";
import { GuardCore } from "../../../src/guard/core.ts";
import { parseOptions } from "../../../src/guard/options.ts";
import { GuardProxy } from "../../../src/guard/servers/proxy.ts";
import { TargetWatch } from "../../../src/guard/servers/target.ts";
import { fixedClock } from "../../fakes/clock.ts";
import { configNamed, guardFor, table, UPSTREAM_HEADERS } from "./cases.ts";
import { answerFetch, type GuardedServer, handled } from "./fetch-server.ts";
import { encode, sendRaw } from "./raw-http.ts";

/** A way to put the guard in front of an application. */
export interface Adapter {
  readonly name: string;
  /** `http` for an adapter that receives bytes, `fetch` for one that receives parsed requests. */
  readonly speaks: "http" | "fetch";
  open(config: string): Promise<GuardedServer>;
}

export const adapters: readonly Adapter[] = [
  { name: "hono", speaks: "fetch", open: openHono },
  { name: "node:http", speaks: "http", open: openNode },
  { name: "express", speaks: "http", open: openExpress },
  { name: "proxy", speaks: "http", open: openProxy },
];

/** Starts a server on a free port and resolves with the port. */
export async function start(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("access-control-allow-origin", "*");
  response.writeHead(200, { ...UPSTREAM_HEADERS, "x-upstream": seen(request) });
  response.end();
}

/** Answers an upgrade with the first subprotocol, as WebSocket libraries do, or with none, as most servers do. */
function answerUpgrade(request: IncomingMessage, socket: Duplex, subprotocol: string | undefined): void {
  const lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"];
  if (subprotocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${subprotocol}`);
  socket.on("error", () => socket.destroy());
  socket.write([...lines, `x-upstream: ${seen(request)}`, "", ""].join("\r\n"));
}

function firstSubprotocol({ headers }: IncomingMessage): string | undefined {
  return headers["sec-websocket-protocol"]?.split(",")[0]?.trim();
}

function seen({ url = "", headers, rawHeaders }: IncomingMessage): string {
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  const raw = names.includes("authorization") ? { authorization: "in rawHeaders" } : {};
  return encode({ url, headers: { ...raw, ...(headers as Record<string, string>) } });
}

async function served(server: Server): Promise<GuardedServer> {
  const port = await start(server);
  return {
    send: (one) => sendRaw(port, one),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function openNode(config: string): Promise<GuardedServer> {
  const guard = guardFor(config);
  const server = createServer(guard.node(answer));
  server.on(
    "upgrade",
    guard.upgrade((request, socket) => answerUpgrade(request, socket, firstSubprotocol(request))),
  );
  return served(server);
}

async function openExpress(config: string): Promise<GuardedServer> {
  const guard = guardFor(config);
  const app = express();
  app.use(guard.express());
  app.use((request, response) => answer(request, response));
  const server = createServer(app);
  server.on(
    "upgrade",
    guard.upgrade((request, socket) => answerUpgrade(request, socket, firstSubprotocol(request))),
  );
  return served(server);
}

async function openProxy(config: string): Promise<GuardedServer> {
  const behind = createServer(answer).on("upgrade", (request, socket) =>
    answerUpgrade(request, socket, undefined),
  );
  const target = new URL(`http://127.0.0.1:${await start(behind)}`);
  const closing = new AbortController();
  const watch = new TargetWatch(target, systemClock, closing.signal);
  while (!watch.isListening) await new Promise((resolve) => setImmediate(resolve));
  const { replaced, isReady = true, ...options } = configNamed(config);
  const clock = fixedClock(table.now);
  const settings = parseOptions({
    ...options,
    isReady: () => isReady,
    clock,
    env: {},
    log: () => {},
  });
  const core = new GuardCore(settings, () => {});
  if (replaced) core.replaceHashes(replaced);
  const proxy = new GuardProxy({
    core,
    target,
    watch,
    clock: systemClock,
    log: () => {},
    onDefect: (defect) => console.error(defect),
  });
  const front = await served(proxy.server);
  return {
    send: front.send,
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await proxy.close(0);
      behind.closeAllConnections();
      behind.close();
    },
  };
}

async function openHono(config: string): Promise<GuardedServer> {
  const app = new Hono();
  app.use(guardFor(config).hono());
  app.all("*", (context) => answerFetch(context.req.raw));
  return handled(async (request) => app.fetch(request));
}
