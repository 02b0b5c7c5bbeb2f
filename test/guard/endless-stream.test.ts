import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { expect, it } from "vitest";
import { EventCounter, endlessEvents } from "./support/endless-events.ts";
import { BEARER } from "./support/proxied.ts";
import { startProxyProcess } from "./support/proxy-process.ts";
import { start } from "./support/servers.ts";

const MEGABYTE = 2 ** 20;
const READ_MEGABYTES = 128;
/** The buffers of two TCP connections, whose sizes the system chooses. */
const BUFFERED_MEGABYTES = 48;
/** The growth of a process that holds nothing: the garbage collector chooses its own times. */
const GROWN_MEGABYTES = 96;

it("the proxy passes an endless stream in bounded memory, and waits for a reader that pauses", async () => {
  const events = endlessEvents(4 * READ_MEGABYTES * MEGABYTE);
  await using behind = createServer(events.listener);
  await using proxy = await startProxyProcess(`http://127.0.0.1:${await start(behind)}`);
  const counter = new EventCounter();
  const stream = await open(proxy.url);

  await read(stream, counter, 8 * MEGABYTE);
  const before = await proxy.residentMegabytes();
  await read(stream, counter, READ_MEGABYTES * MEGABYTE);
  const keepingUp = await proxy.residentMegabytes();

  await events.heldBack();
  const paused = await proxy.residentMegabytes();
  const heldMegabytes = (events.sentBytes - counter.bytes) / MEGABYTE;
  expect(heldMegabytes).toBeLessThan(BUFFERED_MEGABYTES);
  expect(Math.max(keepingUp, paused) - before).toBeLessThan(GROWN_MEGABYTES);

  await read(stream, counter, events.sentBytes + MEGABYTE);
  stream.destroy();
});

async function open(url: string): Promise<IncomingMessage> {
  const call = request(url, { headers: BEARER }).end();
  const [response] = (await once(call, "response")) as [IncomingMessage];
  return response;
}

/** Reads until this many bytes have come, then stops. */
async function read(stream: IncomingMessage, counter: EventCounter, bytes: number): Promise<void> {
  while (counter.bytes < bytes) {
    const piece: Buffer | null = stream.read();
    if (piece === null) await once(stream, "readable");
    else counter.take(piece);
  }
}
