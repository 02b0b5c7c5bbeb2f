/**
 * The delay of each chunk of 1,000 event streams, and the first byte of a new stream beside them: straight to the server, and through the guard and
 * other proxies, one after the other. This process reads all streams, so it takes processor time from the servers too.
 */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { count, inDigits, median, quantile, report, settle } from "./figures.ts";
import { startServer } from "./guard-servers.ts";
import { startWays } from "./proxies-of-others.ts";
import { processorTime, type RunningServer, TOKEN } from "./running-server.ts";

const STREAMS = count(1000, 20);
const SECONDS = count(5, 0.3);
const INTERVAL_MILLISECONDS = 100;
const headers = { authorization: `Bearer ${TOKEN}` };

/** The figures of one way. */
interface Result {
  readonly delays: readonly number[];
  readonly firstBytes: readonly number[];
  /** The part of a core that the proxy was busy for. */
  readonly busy: number;
}

async function measure(way: RunningServer): Promise<Result> {
  const delays: number[] = [];
  const open = await openStreams(way.port, delays);
  await settle(1000);
  delays.length = 0;
  const before = processorTime(way);
  const begin = performance.now();
  const firstBytes: number[] = [];
  while (performance.now() < begin + SECONDS * 1000) firstBytes.push(await firstByte(way.port));
  const busy = (processorTime(way) - before) / ((performance.now() - begin) * 1000);
  for (const answer of open) answer.destroy();
  await settle(500);
  return { delays: [...delays], firstBytes, busy };
}

async function openStreams(port: number, delays: number[]): Promise<IncomingMessage[]> {
  const open: IncomingMessage[] = [];
  for (let index = 0; index < STREAMS; index += 1) {
    const answer = await streamFrom(port, INTERVAL_MILLISECONDS);
    answer.on("data", (chunk: Buffer) => {
      const now = performance.timeOrigin + performance.now();
      for (const [, written] of String(chunk).matchAll(/data: (\S+)/g)) delays.push(now - Number(written));
    });
    open.push(answer);
  }
  return open;
}

async function streamFrom(port: number, interval: number): Promise<IncomingMessage> {
  const [answer] = await once(
    get({ port, host: "127.0.0.1", path: `/${interval}`, headers, agent: false }),
    "response",
  );
  if (answer.statusCode !== 200) throw new Error(`A stream was answered with ${answer.statusCode}.`);
  return answer;
}

/** Milliseconds from a request to the first byte of its stream. */
async function firstByte(port: number): Promise<number> {
  const begin = performance.now();
  const answer = await streamFrom(port, 60_000);
  await once(answer, "data");
  answer.destroy();
  return performance.now() - begin;
}

function inWords(figures: readonly number[]): string {
  return `${inDigits(median(figures))} ms (99 %: ${inDigits(quantile(figures, 0.99))} ms)`;
}

const behind = await startServer("streams");
const proxies = await startWays(`http://127.0.0.1:${behind.port}`);
const results = new Map<string, Result>();
for (const [name, way] of proxies) results.set(name, await measure(way));
const straight = await measure(behind);
const guard = results.get("the guard") ?? straight;
results.delete("the guard");
for (const [key, measured] of [
  ["delays", "delay of a chunk"],
  ["firstBytes", "first byte of a new stream"],
] as const)
  for (const [name, result] of [...results, ["no proxy", straight] as const])
    report({
      ...{ measured, ours: inWords(guard[key]), peer: `${name}, ${inWords(result[key])}` },
      ratio: median(guard[key]) / median(result[key]),
    });
for (const [name, { busy }] of results)
  report({
    measured: "processor time of the proxy",
    ours: `${inDigits(guard.busy * 100)} % of a core`,
    peer: `${name}, ${inDigits(busy * 100)} %`,
    ratio: guard.busy / busy,
  });
for (const server of [...proxies.values(), behind]) await server.stop();
