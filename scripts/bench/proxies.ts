/** The guard as a proxy beside other proxies that check the same token: requests per second, latency, and processor time. autocannon calls. */
import autocannon from "autocannon";
import { count, inDigits, inTurns, median, quantile, ratios, report } from "./figures.ts";
import { startServer } from "./guard-servers.ts";
import { startWays } from "./proxies-of-others.ts";
import { ORIGIN, processorTime, type RunningServer, TOKEN } from "./running-server.ts";

const ROUNDS = count(5, 1);
const SECONDS = count(2, 1);
const CONNECTIONS = 32;

/** The figures of one round. */
interface Result {
  readonly rate: number;
  readonly middle: number;
  readonly late: number;
  readonly microseconds: number;
}

/** The rows of the table: a name, and the figure in words. */
const ROWS = {
  rate: ["requests per second", (value: number) => inDigits(value)],
  middle: ["latency, median", (value: number) => `${inDigits(value)} ms`],
  late: ["latency, 99 %", (value: number) => `${inDigits(value)} ms`],
  microseconds: ["processor time of the proxy, for each request", (value: number) => `${inDigits(value)} µs`],
} as const;

async function load(server: RunningServer): Promise<Result> {
  const times: number[] = [];
  const before = processorTime(server);
  const { non2xx, errors, duration } = await new Promise<autocannon.Result>((resolve, reject) => {
    const run = autocannon(
      {
        url: `http://127.0.0.1:${server.port}/v1/models?limit=10`,
        connections: CONNECTIONS,
        duration: SECONDS,
        headers: { authorization: `Bearer ${TOKEN}`, origin: ORIGIN, accept: "application/json" },
      },
      (error, result) => (error === null ? resolve(result) : reject(error)),
    );
    run.on("response", (_client, _status, _bytes, milliseconds) => times.push(milliseconds));
  });
  if (non2xx > 0 || errors > 0) throw new Error(`${non2xx} answers were refusals, and ${errors} failed.`);
  return {
    rate: times.length / duration,
    middle: median(times),
    late: quantile(times, 0.99),
    microseconds: (processorTime(server) - before) / times.length,
  };
}

const behind = await startServer("bare server");
const ways = await startWays(`http://127.0.0.1:${behind.port}`);
const results = await inTurns(
  ROUNDS,
  Object.fromEntries([...ways].map(([name, server]) => [name, () => load(server)])),
);
const { "the guard": own = [], ...peers } = results;
for (const [key, [measured, inWords]] of Object.entries(ROWS))
  for (const [peer, theirs] of Object.entries(peers)) {
    const field = key as keyof Result;
    const [ours, others] = [own.map((result) => result[field]), theirs.map((result) => result[field])];
    report({
      ...{ measured, ours: inWords(median(ours)), peer: `${peer}, ${inWords(median(others))}` },
      ratio: ratios(ours, others),
    });
  }
for (const server of [...ways.values(), behind]) await server.stop();
