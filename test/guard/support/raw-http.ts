/** An HTTP client that sends the exact bytes of a test, because a guard has to survive bytes that no library would send. */
import { once } from "node:events";
import { connect } from "node:net";
import type { Case, Observed } from "./cases.ts";

/** Sends a case to a server on this machine. */
export async function sendRaw(port: number, { method = "GET", url, headers = [] }: Case): Promise<Observed> {
  const lines = [`${method} ${url} HTTP/1.1`, "Host: pod.example"];
  const isUpgrade = headers.some(([name]) => name === "Connection");
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  if (!isUpgrade) lines.push("Connection: close");
  return toObserved(await exchange(port, `${lines.join("\r\n")}\r\n\r\n`));
}

/** Sends bytes, and resolves with the answer up to the close or the switch of protocols. */
async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => {
    chunks.push(chunk);
    const text = Buffer.concat(chunks).toString("latin1");
    if (text.startsWith("HTTP/1.1 101 ") && text.includes("\r\n\r\n")) socket.destroy();
  });
  socket.write(bytes, "latin1");
  await once(socket, "close");
  return Buffer.concat(chunks).toString("utf8");
}

function toObserved(text: string): Observed {
  const end = text.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(":")).toLowerCase(),
      line.slice(line.indexOf(":") + 1).trim(),
    ]),
  );
  const upstream = headers["x-upstream"];
  return {
    status: Number(statusLine.split(" ")[1]),
    headers,
    body: text.slice(end + 4),
    ...(upstream === undefined ? {} : { upstream: JSON.parse(decode(upstream)) }),
  };
}

/** Encodes the request that the server behind saw as a header's value. */
export function encode(seen: Observed["upstream"]): string {
  return Buffer.from(JSON.stringify(seen)).toString("base64url");
}

/** Decodes a request from a header's value. */
export function decode(text: string): string {
  return Buffer.from(text, "base64url").toString("utf8");
}
