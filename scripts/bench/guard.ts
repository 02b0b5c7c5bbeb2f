/**
 * Measures the cost of the guard: requests per second with it and without it, side by side in one run, as ratios.
 *
 * This process calls each server in turn for many rounds. Each server runs in a process of its own. The
 * median of the rounds counts.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { count, inDigits, inTurns, median, ratios, report } from "./figures.ts";
import { type NodeServer, startServer } from "./guard-servers.ts";
import { ORIGIN, processorTime, type RunningServer, TOKEN } from "./running-server.ts";

/** Many short rounds, so that what else the machine does falls on both alike. */
const ROUNDS = count(24, 1);
const ROUND_MILLISECONDS = 250;
const CONNECTIONS = 32;

const REQUEST = Buffer.from(
  [
    "GET /v1/models?limit=10 HTTP/1.1",
    "Host: pod.example",
    `Authorization: Bearer ${TOKEN}`,
    `Origin: ${ORIGIN}`,
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

async function start(kind: NodeServer, target: string): Promise<Started> {
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
  await sleep(ROUND_MILLISECONDS);
  for (const socket of sockets) socket.destroy();
  return bytes / length;
}

async function answerLength(port: number): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  socket.write(REQUEST);
  await once(socket, "readable");
  await sleep(200);
  const text = String(socket.read());
  socket.destroy();
  if (!text.startsWith("HTTP/1.1 200 ")) throw new Error(`The server answered ${text.split("\r\n")[0]}.`);
  return text.length;
}

async function measure(server: Started): Promise<Result> {
  const { port, length } = server;
  const before = processorTime(server);
  const begun = performance.now();
  const requests = await load(port, length);
  const seconds = (performance.now() - begun) / 1000;
  return { rate: requests / seconds, microseconds: (processorTime(server) - before) / requests };
}

async function compare(
  measured: string,
  own: NodeServer,
  peer: NodeServer,
  target: string,
  limit?: number,
): Promise<void> {
  const servers = { own: await start(own, target), peer: await start(peer, target) };
  const results = await inTurns(ROUNDS, {
    peer: () => measure(servers.peer),
    own: () => measure(servers.own),
  });
  for (const server of Object.values(servers)) await server.stop();
  const [ownRates, peerRates] = [results.own, results.peer].map((rounds) => rounds.map(({ rate }) => rate));
  report({
    ...{
      measured,
      ours: inDigits(median(ownRates ?? [])),
      peer: `${peer}, ${inDigits(median(peerRates ?? []))}`,
    },
    ratio: ratios(ownRates ?? [], peerRates ?? []),
    ...(limit !== undefined && { budget: { limit, better: "more" } }),
  });
  const [ownTimes, peerTimes] = [results.own, results.peer].map((rounds) =>
    rounds.map(({ microseconds }) => microseconds),
  );
  report({
    measured: `… processor time of the server, for each request`,
    ours: `${inDigits(median(ownTimes ?? []))} µs`,
    peer: `${peer}, ${inDigits(median(peerTimes ?? []))} µs`,
    ratio: ratios(ownTimes ?? [], peerTimes ?? []),
  });
}

const behind = await startServer("bare server");
const target = `http://127.0.0.1:${behind.port}`;
await compare("the guard as middleware", "middleware", "check by hand", target, 0.9);
await compare("a check by hand, for comparison", "check by hand", "bare server", target);
await compare("the guard as a proxy", "guarded proxy", "bare proxy", target, 0.9);
await behind.stop();
