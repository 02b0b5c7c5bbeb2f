/** Bodies larger than any buffer should be, and the memory that they take on their way. */
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";

const CHUNK = Buffer.alloc(64 * 1024, 7);
const LOOK_EVERY_BYTES = 8 * 2 ** 20;

type Headers = Readonly<Record<string, string>>;

/** Sends this many bytes as fast as the server reads them, and resolves with the answer. */
export async function upload(
  url: string,
  headers: Headers,
  bytes: number,
): Promise<{ answer: string; grownMegabytes: number }> {
  const memory = memoryMeter();
  const call = httpRequest(url, { method: "POST", headers });
  const answered = once(call, "response") as Promise<[IncomingMessage]>;
  for (let sent = 0; sent < bytes; sent += CHUNK.length) {
    if (!call.write(CHUNK.subarray(0, Math.min(CHUNK.length, bytes - sent)))) await once(call, "drain");
    memory.look(sent);
  }
  call.end();
  const [response] = await answered;
  let answer = "";
  for await (const chunk of response) answer += chunk;
  return { answer, grownMegabytes: memory.grownMegabytes() };
}

/** Reads a body with pauses, so that a proxy that does not wait for its reader has to buffer it. */
export async function download(
  url: string,
  headers: Headers,
): Promise<{ bytes: number; grownMegabytes: number }> {
  const memory = memoryMeter();
  const call = httpRequest(url, { headers }).end();
  const [response] = (await once(call, "response")) as [IncomingMessage];
  let bytes = 0;
  for await (const chunk of response) {
    if (memory.look(bytes)) await new Promise((resolve) => setTimeout(resolve, 20));
    bytes += chunk.length;
  }
  return { bytes, grownMegabytes: memory.grownMegabytes() };
}

/** Watches the memory of the whole process, because buffers lie outside of the heap. */
function memoryMeter(): { look: (bytes: number) => boolean; grownMegabytes: () => number } {
  const before = process.memoryUsage.rss();
  let most = before;
  let lookedAt = 0;
  return {
    look: (bytes) => {
      if (bytes - lookedAt < LOOK_EVERY_BYTES) return false;
      lookedAt = bytes;
      most = Math.max(most, process.memoryUsage.rss());
      return true;
    },
    grownMegabytes: () => (most - before) / 2 ** 20,
  };
}
