/** A web UI as ComfyUI or Jupyter have one: a page with styles, scripts, images, requests and a WebSocket. It knows nothing of the guard. */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import { WebSocketServer } from "ws";

const PAGE = `<!doctype html>
<title>A web UI</title>
<link rel="stylesheet" href="style.css">
<body><p id="text">styled</p><img id="image" src="/assets/picture.svg">
<script src="script.js"></script></body>`;

const SCRIPT = `
globalThis.results = (async () => {
  const saved = await fetch("/api/save", { method: "POST", body: "{}" });
  const socket = new WebSocket(location.origin.replace("http", "ws") + "/ws");
  const echoed = new Promise((resolve) => {
    socket.onmessage = ({ data }) => resolve(data);
    socket.onclose = () => resolve("closed");
  });
  socket.onopen = () => socket.send("hello");
  const answer = await saved.json();
  return { saved: saved.status, seen: answer, echo: await echoed };
})();`;

const PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="5"></svg>';

const FILES: Readonly<Record<string, readonly [type: string, body: string]>> = {
  "/lab": ["text/html", PAGE],
  "/style.css": ["text/css", "#text { color: rgb(1, 2, 3) }"],
  "/script.js": ["text/javascript", SCRIPT],
  "/assets/picture.svg": ["image/svg+xml", PICTURE],
  // The browser asks for it whenever it likes: it must not be what sets the cookie of the page.
  "/favicon.ico": ["image/svg+xml", PICTURE],
};

/** A web UI, and the requests that reached it. */
export interface WebUi {
  readonly listener: RequestListener;
  readonly reached: string[];
  /** Takes WebSockets, which echo. */
  acceptSockets(server: Server): void;
}

/** Makes the web UI. */
export function webUi(): WebUi {
  const reached: string[] = [];
  return {
    reached,
    listener: (request, response) => {
      reached.push(`${request.method} ${request.url}`);
      answer(request, response);
    },
    acceptSockets: (server) => {
      const sockets = new WebSocketServer({ noServer: true });
      server.on("upgrade", (request, socket, head) => {
        reached.push(`SOCKET ${request.url}`);
        sockets.handleUpgrade(request, socket, head, (one) =>
          one.on("message", (message) => one.send(String(message))),
        );
      });
    },
  };
}

function answer({ url = "", method, headers }: IncomingMessage, response: ServerResponse): void {
  const file = FILES[url.split("?", 1)[0] ?? ""];
  if (file !== undefined) return void response.setHeader("content-type", file[0]).end(file[1]);
  const { cookie = null, "x-atlas-credential": credential } = headers;
  const seen = { url, method, cookie, credential };
  response.setHeader("set-cookie", "own=1; Path=/").end(JSON.stringify(seen));
}
