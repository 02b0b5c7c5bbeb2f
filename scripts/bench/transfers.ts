/** The round trip of a WebSocket's message, and gigabytes in both directions, through the guard and through other proxies. */
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { WebSocket } from "ws";
import { count, inDigits, inTurns, median, millisecondsOf, quantile, ratios, report } from "./figures.ts";
import { startServer } from "./guard-servers.ts";
import { startWays } from "./proxies-of-others.ts";
import { processorTime, type RunningServer, TOKEN } from "./running-server.ts";

const ROUNDS = count(3, 1);
const MESSAGES = count(2000, 20);
const BYTES = count(2 ** 28, 2 ** 20);
const CHUNK = Buffer.alloc(64 * 1024, "a");
const MESSAGE = "a message as long as the token of a language model and its envelope";
const headers = { authorization: `Bearer ${TOKEN}` };

/** The figures of one round. */
interface Result {
  /** Milliseconds of a message and its answer: the median, and the time that 99 of 100 stay below. */
  readonly roundTrip: number;
  readonly lateRoundTrip: number;
  /** Megabytes in a second. */
  readonly download: number;
  readonly upload: number;
  /** Seconds of the proxy's processor for a gigabyte down and a gigabyte up. */
  readonly processor: number;
}

const ROWS = {
  roundTrip: ["round trip of a WebSocket's message, median", "ms"],
  lateRoundTrip: ["round trip of a WebSocket's message, 99 %", "ms"],
  download: ["a quarter of a gigabyte to the caller", "MB/s"],
  upload: ["a quarter of a gigabyte from the caller", "MB/s"],
  processor: ["processor time of the proxy, for a gigabyte each way", "s"],
} as const satisfies Readonly<Record<keyof Result, readonly [measured: string, unit: string]>>;

async function roundTrips({ port }: RunningServer): Promise<readonly number[]> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers });
  await once(socket, "open");
  const times: number[] = [];
  for (let message = 0; message < MESSAGES; message += 1)
    times.push(
      await millisecondsOf(async () => {
        const answered = once(socket, "message");
        socket.send(MESSAGE);
        await answered;
      }),
    );
  const closed = once(socket, "close");
  socket.close();
  await closed;
  return times;
}

/** Reads the answer on a bare socket, which costs this process the least. */
async function download({ port }: RunningServer): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.write(
    `GET /${BYTES} HTTP/1.1\r\nHost: pod.example\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`,
  );
  let read = 0;
  for await (const chunk of socket) read += chunk.length;
  if (read < BYTES) throw new Error(`${read} of ${BYTES} bytes arrived.`);
}

async function upload({ port }: RunningServer): Promise<void> {
  const chunks = Readable.from(Array.from({ length: BYTES / CHUNK.length }, () => CHUNK));
  const call = request({
    ...{ port, host: "127.0.0.1", method: "POST", path: "/", agent: false },
    headers: { ...headers, "content-length": BYTES },
  });
  const answered = once(call, "response");
  await pipeline(chunks, call);
  const [{ statusCode }] = await answered;
  if (statusCode !== 200) throw new Error(`An upload was answered with ${statusCode}.`);
}

async function measure(way: RunningServer): Promise<Result> {
  const trips = await roundTrips(way);
  const before = processorTime(way);
  const down = await millisecondsOf(() => download(way));
  const up = await millisecondsOf(() => upload(way));
  const rateOf = (milliseconds: number): number => BYTES / 1e6 / (milliseconds / 1000);
  return {
    ...{ roundTrip: median(trips), lateRoundTrip: quantile(trips, 0.99) },
    ...{ download: rateOf(down), upload: rateOf(up) },
    processor: (processorTime(way) - before) / 1e6 / (BYTES / 2 ** 30),
  };
}

const behind = await startServer("transfers");
const proxies = await startWays(`http://127.0.0.1:${behind.port}`);
const ways = [...proxies, ["no proxy", behind] as const];
const results = await inTurns(
  ROUNDS,
  Object.fromEntries(ways.map(([name, way]) => [name, () => measure(way)])),
);
const { "the guard": own = [], ...peers } = results;
for (const [key, [measured, unit]] of Object.entries(ROWS))
  for (const [peer, theirs] of Object.entries(peers)) {
    const field = key as keyof Result;
    if (field === "processor" && peer === "no proxy") continue;
    const [ours, others] = [own.map((result) => result[field]), theirs.map((result) => result[field])];
    report({
      measured,
      ours: `${inDigits(median(ours))} ${unit}`,
      peer: `${peer}, ${inDigits(median(others))} ${unit}`,
      ratio: ratios(ours, others),
    });
  }
for (const [, server] of ways) await server.stop();
