/**
 * The delay of each chunk of 1,000 event streams, and of a new request beside them: straight to the server, through the proxy library alone and through
 * the guard, one after the other. This process reads all streams, so it takes processor time from the servers too.
 */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { median } from "./figures.ts";
import { processorTime, startServer, TOKEN } from "./guard-servers.ts";

const STREAMS = Number(process.env.STREAMS ?? 1000);
const SECONDS = 6;
const headers = { authorization: `Bearer ${TOKEN}` };

for (const interval of [1000, 100]) {
  console.log(`${STREAMS} streams, a chunk every ${interval} ms:`);
  for (const kind of [undefined, "bare proxy", "guarded proxy"]) await measure(kind, interval);
}

async function measure(kind: string | undefined, interval: number): Promise<void> {
  const behind = await startServer("streams");
  const proxy = kind === undefined ? undefined : await startServer(kind, `http://127.0.0.1:${behind.port}`);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const delays: number[] = [];
  const open = await openStreams((proxy ?? behind).port, interval, delays);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  delays.length = 0;
  const before = proxy && (await processorTime(proxy));
  const firstBytes: number[] = [];
  for (const end = performance.now() + SECONDS * 1000; performance.now() < end; )
    firstBytes.push(await firstByte((proxy ?? behind).port));
  const busy =
    proxy === undefined || before === undefined
      ? ""
      : `; the proxy is busy ${(((await processorTime(proxy)) - before) / SECONDS / 10_000).toFixed(0)} % of a core`;
  console.log(
    `  ${kind ?? "no proxy"}: ${(delays.length / SECONDS).toFixed(0)} chunks/s, delay ${quantiles(delays)}; a new request ${quantiles(firstBytes)}${busy}`,
  );
  for (const answer of open) answer.destroy();
  for (const server of [proxy, behind]) server?.child.disconnect();
}

async function openStreams(port: number, interval: number, delays: number[]): Promise<IncomingMessage[]> {
  const open: IncomingMessage[] = [];
  for (let index = 0; index < STREAMS; index += 1) {
    const answer = await streamFrom(port, interval);
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

function quantiles(figures: readonly number[]): string {
  const late = figures.toSorted((a, b) => a - b)[Math.floor(figures.length * 0.99)] ?? Number.NaN;
  return `${median(figures).toFixed(1)} ms (99 %: ${late.toFixed(0)} ms)`;
}
