/**
 * The servers of the benchmarks of the guard: with it, without it, and as others would do it. Those of Node each run in a process of its own, which
 * is this file again.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { createProxyServer as createHttpProxy3 } from "http-proxy-3";
import { createProxyServer } from "httpxy";
import { WebSocketServer } from "ws";
import { systemClock } from "../../src/clock.ts";
import { GuardCore } from "../../src/guard/core.ts";
import { createGuard } from "../../src/guard/index.ts";
import { parseOptions } from "../../src/guard/options.ts";
import { GuardProxy } from "../../src/guard/servers/proxy.ts";
import { TargetWatch } from "../../src/guard/servers/target.ts";
import { checkByHand } from "./check-by-hand.ts";
import { ORIGIN, type RunningServer, TOKEN } from "./running-server.ts";

const options = { presharedKey: TOKEN, origins: [ORIGIN], env: {} };
const byHand = { token: TOKEN, origin: ORIGIN };
const CHUNK = Buffer.alloc(64 * 1024, "a");
const MODELS = Array.from({ length: 20 }, (_, index) => ({
  id: `model-${index}`,
  object: "model",
  owned_by: "me",
}));
/** A small answer of an API: the least that a server in a pod does. */
const answer: RequestListener = ({ headers }, response) => {
  const body = JSON.stringify({ object: "list", accepts: headers.accept, data: MODELS });
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
};

/** Writes a line as often as the path says in milliseconds, with the time of its writing. */
const streams: RequestListener = ({ url = "" }, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const write = (): boolean => response.write(`data: ${performance.timeOrigin + performance.now()}\n\n`);
  write();
  const timer = setInterval(write, Number(url.slice(1)));
  response.on("close", () => clearInterval(timer));
};

/** Reads the body of a POST to its end, and answers a GET with as many bytes as its path says. */
const bytes: RequestListener = (request, response) => {
  if (request.method === "POST") return void request.resume().on("end", () => response.end("read"));
  let left = Number(request.url?.slice(1));
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": left });
  const write = (): void => {
    while (left > 0) {
      const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
      left -= chunk.length;
      if (!response.write(chunk)) return void response.once("drain", write);
    }
    response.end();
  };
  write();
};

/** A server behind, with everything that a benchmark asks it for: WebSockets that send each message back, and bytes. */
function startTransfers(): Server {
  const server = createServer(bytes);
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  return server;
}

function bareProxy(target: URL): Server {
  const proxy = createProxyServer({
    target,
    xfwd: true,
    agent: new Agent({ keepAlive: true, timeout: 4000 }),
  });
  return createServer((request, response) => void proxy.web(request, response)).on(
    "upgrade",
    (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      // A server of node:http has sockets of node:net.
      void proxy.ws(request, socket as Parameters<typeof proxy.ws>[1], {}, head),
  );
}

/** The check by hand in front of http-proxy-3. An upgrade is checked by its header alone. */
function checkedProxy(target: URL): Server {
  const proxy = createHttpProxy3({
    target: target.href,
    xfwd: true,
    agent: new Agent({ keepAlive: true, timeout: 4000 }),
  });
  proxy.on("error", (_error, _request, answered) => void answered.destroy());
  const server = createServer(checkByHand(byHand, (request, response) => proxy.web(request, response)));
  return server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return void socket.destroy();
    proxy.ws(request, socket as Parameters<typeof proxy.ws>[1], head);
  });
}

function guardedProxy(target: URL): Server {
  const watch = new TargetWatch(target, systemClock, new AbortController().signal);
  const core = new GuardCore(parseOptions(options), () => {});
  const onDefect = (defect: unknown): void => console.error(defect);
  return new GuardProxy({ core, target, watch, clock: systemClock, log: () => {}, onDefect }).server;
}

/** The measured variants. Each starts a server in front of the target where it needs one. */
const SERVERS = {
  "bare server": () => createServer(answer),
  streams: () => createServer(streams),
  transfers: startTransfers,
  middleware: () => createServer(createGuard(options).node(answer)),
  "check by hand": () => createServer(checkByHand(byHand, answer)),
  "bare proxy": bareProxy,
  "checked proxy": checkedProxy,
  "guarded proxy": guardedProxy,
} as const satisfies Readonly<Record<string, (target: URL) => Server>>;

/** The name of a server of Node. */
export type NodeServer = keyof typeof SERVERS;

/** Starts a server of Node. A proxy forwards to the target. */
export async function startServer(kind: NodeServer, target = "http://127.0.0.1"): Promise<RunningServer> {
  const child = fork(fileURLToPath(import.meta.url), [kind, target]);
  const [port] = await once(child, "message");
  if (child.pid === undefined) throw new Error(`The server "${kind}" did not start.`);
  return { pid: child.pid, port, stop: async () => child.disconnect() };
}

async function serve(kind: NodeServer, target: string): Promise<void> {
  const server: Server = SERVERS[kind](new URL(target));
  server.listen(0, "127.0.0.1", 4096);
  await once(server, "listening");
  const address = server.address();
  process.on("disconnect", () => process.exit());
  process.send?.(typeof address === "object" ? address?.port : undefined);
}

const [kind, target] = process.argv.slice(2);
if (kind !== undefined && kind in SERVERS && target !== undefined && process.send !== undefined)
  await serve(kind as NodeServer, target);
