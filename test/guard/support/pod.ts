/** A program in a pod of `local()` that guards itself: JSON, a WebSocket that echoes, a picture and a sound. */
import { createServer, type RequestListener } from "node:http";
import { WebSocketServer } from "ws";
import { createGuard } from "../../../src/guard/index.ts";

const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

const files: Readonly<Record<string, readonly [type: string, body: Buffer]>> = {
  "/picture.png": ["image/png", PICTURE],
  "/sound.wav": ["audio/wav", silence(8000)],
};

const listener: RequestListener = (request, response) => {
  const file = files[request.url ?? ""];
  if (file !== undefined) response.writeHead(200, { "content-type": file[0] }).end(file[1]);
  else response.end(JSON.stringify({ url: request.url, method: request.method, headers: request.headers }));
};

/** One second of sound as a WAV file: RIFF header, PCM format, 8 bits, one channel. */
function silence(samples: number): Buffer {
  const header = Buffer.alloc(44);
  header.write("RIFF");
  header.writeUInt32LE(36 + samples, 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(samples, 24);
  header.writeUInt32LE(samples, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write("data", 36);
  header.writeUInt32LE(samples, 40);
  return Buffer.concat([header, Buffer.alloc(samples, 128)]);
}

const { POD_ORIGIN, POD_DEAD_MAN } = process.env;
const guard = createGuard({
  origins: POD_ORIGIN === undefined ? [] : [POD_ORIGIN],
  deadMan: POD_DEAD_MAN === "on",
  signedMethods: ["WEBSOCKET"],
});
const server = createServer(guard.node(listener));
const sockets = new WebSocketServer({ noServer: true });
server.on(
  "upgrade",
  guard.upgrade((request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (one) =>
      one.on("message", (message) => one.send(String(message))),
    ),
  ),
);
server.listen(Number(process.env.PORT), "127.0.0.1");
