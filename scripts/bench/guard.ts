/**
 * Measures the cost of the guard: requests per second with it and without it, side by side in one run, as ratios.
 *
 * This process calls each server in turn for many rounds. Each server runs in a process of its own. The
 * median of the rounds counts.
 */
import { connect } from "node:net";
import { median, print } from "./figures.ts";
import { processorTime, type RunningServer, startServer, TOKEN } from "./guard-servers.ts";

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

/** A server that runs, and how many bytes one of its answers has. */
interface Started extends RunningServer {
  readonly length: number;
}

interface Result {
  /** Requests per second. */
  readonly rate: number;
  /** Processor time of the server for each request, in microseconds. */
  readonly microseconds: number;
}

async function start(kind: string, target: string): Promise<Started> {
  const server = await startServer(kind, target);
  return { ...server, length: await answerLength(server.port) };
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

async function measure(server: Started): Promise<Result> {
  const { port, length } = server;
  const before = await processorTime(server);
  const begun = performance.now();
  const requests = await load(port, length);
  const seconds = (performance.now() - begun) / 1000;
  return { rate: requests / seconds, microseconds: ((await processorTime(server)) - before) / requests };
}

async function compare(name: string, base: string, guarded: string, target: string): Promise<void> {
  const servers = { base: await start(base, target), guarded: await start(guarded, target) };
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
  const behind = await startServer("bare server");
  const target = `http://127.0.0.1:${behind.port}`;
  await compare("the guard as middleware", "check by hand", "middleware", target);
  await compare("a check by hand", "bare server", "check by hand", target);
  await compare("the guard as proxy", "bare proxy", "guarded proxy", target);
  behind.child.disconnect();
}

await main();
