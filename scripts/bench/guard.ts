/**
 * Measures the cost of the guard: requests per second with it and without it, side by side in one run, as ratios.
 *
 * This process calls each server in turn for many rounds. Each server is this file again, in a process of its own. The
 * median of the rounds counts.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Agent, createServer, type RequestListener, type Server } from "node:http";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { createProxyServer } from "httpxy";
import { systemClock } from "../../src/clock.ts";
import { GuardCore } from "../../src/guard/core.ts";
import { createGuard } from "../../src/guard/index.ts";
import { parseOptions } from "../../src/guard/options.ts";
import { GuardProxy } from "../../src/guard/servers/proxy.ts";
import { TargetWatch } from "../../src/guard/servers/target.ts";
import { checkByHand } from "./check-by-hand.ts";
import { median, print } from "./figures.ts";

const TOKEN = "c2VjcmV0LXRva2VuLW9mLXRoZS1iZW5jaG1hcms_0123";
/** Many short rounds, so that what else the machine does falls on both alike. */
const ROUNDS = 40;
const ROUND_MILLISECONDS = 250;
const CONNECTIONS = 32;

const REQUEST = Buffer.from(
  [
    "GET /v1/models?limit=10 HTTP/1.1",
    "Host: pod.example",
    `Authorization: Bearer ${TOKEN}`,
    "Origin: https://app.example",
    "Accept: application/json",
    "User-Agent: bench",
    "",
    "",
  ].join("\r\n"),
);

const options = { presharedKey: TOKEN, origins: ["https://app.example"], env: {} };
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

/** The measured variants. Each starts a server in front of the target port where it needs one. */
const SERVERS: Readonly<Record<string, (target: URL) => Server>> = {
  "bare server": () => createServer(answer),
  middleware: () => createServer(createGuard(options).node(answer)),
  "check by hand": () => createServer(checkByHand({ token: TOKEN, origin: "https://app.example" }, answer)),
  "bare proxy": (target) => {
    const proxy = createProxyServer({
      target,
      xfwd: true,
      agent: new Agent({ keepAlive: true, timeout: 4000 }),
    });
    return createServer((request, response) => void proxy.web(request, response));
  },
  "guarded proxy": (target) => {
    const watch = new TargetWatch(target, systemClock, new AbortController().signal);
    const core = new GuardCore(parseOptions(options), () => {});
    return new GuardProxy({
      core,
      target,
      watch,
      clock: systemClock,
      log: () => {},
      onDefect: (defect) => console.error(defect),
    }).server;
  },
};

/** A server that runs, and how many bytes one of its answers has. */
interface Started {
  readonly child: ChildProcess;
  readonly port: number;
  readonly length: number;
}

interface Result {
  /** Requests per second. */
  readonly rate: number;
  /** Processor time of the server for each request, in microseconds. */
  readonly microseconds: number;
}

async function serve(kind: string, target: string): Promise<void> {
  const server = SERVERS[kind]?.(new URL(target));
  if (server === undefined) throw new Error(`There is no server "${kind}".`);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  process.on("message", () => process.send?.(process.cpuUsage()));
  process.on("disconnect", () => process.exit());
  process.send?.(typeof address === "object" ? address?.port : undefined);
}

async function startServer(kind: string, target: string): Promise<Started> {
  const child = fork(fileURLToPath(import.meta.url), [kind, target]);
  const [port] = await once(child, "message");
  return { child, port, length: await answerLength(port) };
}

/** Sends the same request over and over on each connection, and counts the answers by their bytes. */
async function load(port: number, length: number): Promise<number> {
  let bytes = 0;
  const sockets = Array.from({ length: CONNECTIONS }, () => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let pending = 0;
    socket.on("data", (chunk) => {
      bytes += chunk.length;
      pending += chunk.length;
      if (pending < length) return;
      pending = 0;
      socket.write(REQUEST);
    });
    socket.write(REQUEST);
    return socket;
  });
  await new Promise((resolve) => setTimeout(resolve, ROUND_MILLISECONDS));
  for (const socket of sockets) socket.destroy();
  return bytes / length;
}

async function answerLength(port: number): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  socket.write(REQUEST);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const text = String(socket.read());
  socket.destroy();
  if (!text.startsWith("HTTP/1.1 200 ")) throw new Error(`The server answered ${text.split("\r\n")[0]}.`);
  return text.length;
}

async function measure({ child, port, length }: Started): Promise<Result> {
  const before = await processorTime(child);
  const begun = performance.now();
  const requests = await load(port, length);
  const seconds = (performance.now() - begun) / 1000;
  return { rate: requests / seconds, microseconds: ((await processorTime(child)) - before) / requests };
}

async function processorTime(child: ChildProcess): Promise<number> {
  const answered = once(child, "message");
  child.send("cpu");
  const [{ user, system }] = await answered;
  return user + system;
}

async function compare(name: string, base: string, guarded: string, target: string): Promise<void> {
  const servers = { base: await startServer(base, target), guarded: await startServer(guarded, target) };
  const ratios: number[] = [];
  const costs: number[] = [];
  const rates: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const without = await measure(servers.base);
    const withGuard = await measure(servers.guarded);
    if (round === 0) continue;
    rates.push(without.rate);
    ratios.push(withGuard.rate / without.rate);
    costs.push(without.microseconds / withGuard.microseconds);
  }
  for (const { child } of Object.values(servers)) child.disconnect();
  print(name, median(ratios), {
    budget: 0.9,
    better: "more",
    detail: `of the ${median(rates).toFixed(0)} requests per second of a ${base}; by processor time ${median(costs).toFixed(2)} ×`,
  });
}

async function main(): Promise<void> {
  const behind = await startServer("bare server", "http://127.0.0.1");
  const target = `http://127.0.0.1:${behind.port}`;
  await compare("the guard as middleware", "check by hand", "middleware", target);
  await compare("a check by hand", "bare server", "check by hand", target);
  await compare("the guard as proxy", "bare proxy", "guarded proxy", target);
  behind.child.disconnect();
}

const [kind, target] = process.argv.slice(2);
if (kind !== undefined && target !== undefined) await serve(kind, target);
else await main();
