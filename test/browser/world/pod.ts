/** The program of a pod: it greets, sings, echoes on a WebSocket and answers late. The guard lets in only its user. */
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { createGuard } from "../../../src/guard/index.ts";

const RATE = 8000;
const FILES: Readonly<Record<string, readonly [type: string, body: string | Buffer]>> = {
  "/hello": ["text/plain", "hello from the pod"],
  "/tone.wav": ["audio/wav", tone()],
  "/folder/index.html": ["text/html", '<!doctype html><title>a folder</title><img src="dot.svg">'],
  "/folder/dot.svg": ["image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="5"></svg>'],
  "/": ["text/html", "<!doctype html><title>inside the pod</title>"],
};

/** One second of sound. */
function tone(): Buffer {
  const data = Buffer.alloc(RATE, 128);
  const header = Buffer.alloc(44);
  header.write("RIFF\0\0\0\0WAVEfmt ", 0, "latin1");
  header.writeUInt32LE(36 + data.length, 4);
  header.writeUInt32LE(16, 16);
  for (const [value, offset] of [
    [1, 20],
    [1, 22],
    [1, 32],
    [8, 34],
  ] as const)
    header.writeUInt16LE(value, offset);
  for (const offset of [24, 28]) header.writeUInt32LE(RATE, offset);
  header.write("data", 36);
  header.writeUInt32LE(data.length, 40);
  return Buffer.concat([header, data]);
}

const guard = createGuard();
const server = createServer(
  guard.node((request, response) => {
    const file = FILES[new URL(request.url ?? "/", "http://pod").pathname];
    if (file === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-type": file[0] }).end(file[1]);
  }),
);
const sockets = new WebSocketServer({ noServer: true });
server.on(
  "upgrade",
  guard.upgrade((request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (one) =>
      one.on("message", (message) => one.send(`echo ${message}`)),
    ),
  ),
);
server.listen(Number(process.env.PORT), "127.0.0.1");
