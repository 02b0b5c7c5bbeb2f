import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { type Duplex, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { download, upload } from "./support/big-bodies.ts";
import { BEARER, freePort, listenOn, PROXY_TOKEN, proxied, proxyTo, waitFor } from "./support/proxied.ts";

const MEGABYTE = 2 ** 20;

describe("the proxy passes", () => {
  it("a whole request and its whole answer, without the credential", async () => {
    await using front = await proxied((request, response) => {
      response.writeHead(207, "Many", { "x-own": ["a", "b"], "set-cookie": ["a=1", "b=2"] });
      response.write(JSON.stringify({ method: request.method, url: request.url, headers: request.headers }));
      request.pipe(response);
    });
    const response = await fetch(`${front.url}/a/../b%2F?q=1&q=2`.replace("/a/../", "/a/"), {
      method: "PATCH",
      headers: { ...BEARER, "x-asked": "yes" },
      body: "body",
    });
    const text = await response.text();
    const seen = JSON.parse(text.slice(0, text.lastIndexOf("}") + 1));
    expect(response.status).toBe(207);
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(response.headers.get("x-own")).toBe("a, b");
    expect(text.endsWith("}body")).toBe(true);
    expect(seen).toMatchObject({ method: "PATCH", url: "/a/b%2F?q=1&q=2", headers: { "x-asked": "yes" } });
    expect(seen.headers).not.toHaveProperty("authorization");
    expect(seen.headers).toMatchObject({ "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http" });
  });

  it("server-sent events one by one, and closes the connection behind when the reader leaves", async () => {
    let left = false;
    await using front = await proxied((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      let count = 0;
      const timer = setInterval(() => response.write(`data: ${count++}\n\n`), 5);
      response.on("close", () => {
        clearInterval(timer);
        left = true;
      });
    });
    const leaving = new AbortController();
    const response = await fetch(front.url, { headers: BEARER, signal: leaving.signal });
    const seen: string[] = [];
    for await (const chunk of response.body ?? []) {
      seen.push(Buffer.from(chunk).toString());
      if (seen.join("").includes("data: 9\n")) break;
    }
    expect(seen.length).toBeGreaterThan(5);
    expect(left).toBe(false);
    leaving.abort();
    await waitFor(() => left);
  });

  it("WebSocket messages both ways, and answers the subprotocol that the browser expects", async () => {
    await using front = await proxied(() => {});
    const echo = new WebSocketServer({ server: front.behind, handleProtocols: () => false });
    echo.on("connection", (socket, request) => {
      socket.send(JSON.stringify(request.headers["sec-websocket-protocol"]));
      socket.on("message", (message, isBinary) => socket.send(message, { binary: isBinary }));
    });
    const socket = new WebSocket(front.url.replace("http", "ws"), [
      "atlas.v1",
      `atlas.bearer.${PROXY_TOKEN}`,
    ]);
    const received: unknown[] = [];
    socket.on("message", (message, isBinary) => received.push(isBinary ? message : String(message)));
    await once(socket, "open");
    expect(socket.protocol).toBe("atlas.v1");
    socket.send("hello");
    socket.send(Buffer.alloc(MEGABYTE, 7));
    await waitFor(() => received.length === 3);
    expect(received).toEqual(['"atlas.v1"', "hello", Buffer.alloc(MEGABYTE, 7)]);
    socket.close();
    await once(socket, "close");
    await waitFor(() => front.lines.length === 1);
    expect(front.lines[0]).toMatchObject({ method: "GET", path: "/", status: 101 });
  });

  it("the subprotocol that the server behind has chosen", async () => {
    await using front = await proxied(() => {});
    const chat = new WebSocketServer({ server: front.behind, handleProtocols: () => "chat" });
    chat.on("connection", (socket) => socket.close());
    const offered = ["atlas.v1", `atlas.bearer.${PROXY_TOKEN}`, "chat"];
    const socket = new WebSocket(front.url.replace("http", "ws"), offered);
    await once(socket, "open");
    expect(socket.protocol).toBe("chat");
    await once(socket, "close");
  });

  it("no WebSocket without a credential, and its refusal as HTTP", async () => {
    await using front = await proxied(() => {});
    const socket = new WebSocket(front.url.replace("http", "ws"));
    socket.on("error", () => {});
    const [, response] = await once(socket, "unexpected-response");
    expect(response).toMatchObject({ statusCode: 401, headers: { "www-authenticate": "Bearer" } });
    socket.terminate();
  });

  it("a server's refusal of a WebSocket unchanged", async () => {
    await using front = await proxied(() => {});
    front.behind.on("upgrade", (_request, socket) =>
      socket.end("HTTP/1.1 418 No\r\ncontent-length: 2\r\n\r\nno"),
    );
    const socket = new WebSocket(front.url.replace("http", "ws"), { headers: BEARER });
    socket.on("error", () => {});
    const [, response] = await once(socket, "unexpected-response");
    expect(response.statusCode).toBe(418);
    socket.terminate();
  });

  it("big bodies both ways with bounded memory, even to a slow reader", async () => {
    const megabytes = Number(process.env.BODY_MEGABYTES ?? 64);
    const bytes = megabytes * MEGABYTE;
    await using front = await proxied((request, response) => {
      if (request.method === "POST") return void countInto(request, response);
      response.setHeader("content-length", bytes);
      Readable.from(chunksOf(bytes)).pipe(response);
    });
    const up = await upload(front.url, BEARER, bytes);
    const down = await download(front.url, BEARER);
    expect(up.answer).toBe(String(bytes));
    expect(down.bytes).toBe(bytes);
    expect(Math.max(up.grownMegabytes, down.grownMegabytes)).toBeLessThan(150);
  }, 600_000);

  it("an answer that comes before the upload is read", async () => {
    await using front = await proxied((_request, response) => {
      response.writeHead(413).end("too big");
    });
    const headers = { ...BEARER, "content-length": String(MEGABYTE) };
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const call = httpRequest(front.url, { method: "POST", headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      call.on("error", reject);
      call.write(Buffer.alloc(MEGABYTE));
      call.end();
    });
    expect(answer).toBe(413);
  });
});

describe("the proxy answers", () => {
  it("503 until the server behind listens, and again after that server has gone", async () => {
    const port = await freePort();
    await using front = await proxyTo(new URL(`http://127.0.0.1:${port}`), {
      origins: ["https://app.example"],
    });
    const call = (): Promise<Response> =>
      fetch(front.url, { headers: { ...BEARER, origin: "https://app.example" } });
    const starting = await call();
    expect(starting.status).toBe(503);
    expect(starting.headers.get("retry-after")).toBe("2");
    expect(starting.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(await starting.json()).toMatchObject({ code: "UNAVAILABLE", retryAfterSeconds: 2 });
    expect((await fetch(`${front.url}/.well-known/atlas/ready`)).status).toBe(503);
    expect((await fetch(front.url)).status).toBe(401);

    const behind = createServer((_request, response) => response.end("here"));
    await listenOn(behind, port);
    await waitFor(async () => (await call()).status === 200);
    expect(await (await fetch(`${front.url}/.well-known/atlas/ready`)).json()).toEqual({
      computeId: null,
      status: "ready",
    });

    behind.closeAllConnections();
    behind.close();
    await waitFor(async () => (await call()).status === 503);
    expect((await fetch(`${front.url}/.well-known/atlas/ready`)).status).toBe(503);
  });

  it("503 to a WebSocket too", async () => {
    await using front = await proxyTo(new URL(`http://127.0.0.1:${await freePort()}`));
    const socket = new WebSocket(front.url.replace("http", "ws"), { headers: BEARER });
    socket.on("error", () => {});
    const [, response] = await once(socket, "unexpected-response");
    expect(response).toMatchObject({ statusCode: 503, headers: { "retry-after": "2" } });
    socket.terminate();
  });

  it("502 when the server behind closes the connection, and cuts an answer that has begun", async () => {
    await using front = await proxied((request, response) => {
      if (request.url === "/middle") response.write("half");
      setTimeout(() => request.socket.destroy(), 20);
    });
    const broken = await fetch(front.url, { headers: BEARER });
    expect(broken.status).toBe(502);
    expect(await broken.json()).toMatchObject({ code: "TRANSPORT" });
    const half = await fetch(`${front.url}/middle`, { headers: BEARER });
    await expect(half.text()).rejects.toThrow();
  });

  it("and logs one line for each request, with its path and without its query", async () => {
    await using front = await proxied((_request, response) => response.end());
    await fetch(`${front.url}/a?secret=1`, { headers: BEARER });
    await fetch(`${front.url}/b?exp=9999999999&sig=secret`);
    await waitFor(() => front.lines.length === 2);
    expect(front.lines).toMatchObject([
      { method: "GET", path: "/a", status: 200 },
      { method: "GET", path: "/b", status: 401, reason: "missing" },
    ]);
    expect(JSON.stringify(front.lines)).not.toContain("secret");
    expect(JSON.stringify(front.lines)).not.toContain(PROXY_TOKEN);
  });
});

describe("a proxy that closes", () => {
  it("finishes open requests and accepts no new ones", async () => {
    const arrived = Promise.withResolvers<() => void>();
    await using front = await proxied((_request, response) => arrived.resolve(() => response.end("done")));
    const answer = fetch(front.url, { headers: BEARER });
    const finish = await arrived.promise;
    const closed = front.proxy.close(60);
    await expect(fetch(front.url, { headers: BEARER })).rejects.toThrow();
    finish();
    expect(await (await answer).text()).toBe("done");
    await closed;
  });

  it("waits neither for ever nor for a WebSocket", async () => {
    await using front = await proxied((_request, response) => response.write("on and on"));
    const echo = new WebSocketServer({ server: front.behind });
    const socket = new WebSocket(front.url.replace("http", "ws"), { headers: BEARER });
    await once(socket, "open");
    const response = await fetch(front.url, { headers: BEARER });
    const closed = once(socket, "close");
    await front.proxy.close(0);
    await closed;
    await expect(response.text()).rejects.toThrow();
    echo.close();
  });
});

it("a client that leaves in the middle of an upgrade leaves nothing open", async () => {
  await using front = await proxied((_request, response) => response.end("alive"));
  const arrived = Promise.withResolvers<Duplex>();
  front.behind.on("upgrade", (_request, socket) => arrived.resolve(socket));
  const socket = new WebSocket(front.url.replace("http", "ws"), { headers: BEARER });
  socket.on("error", () => {});
  const behind = await arrived.promise;
  socket.terminate();
  behind.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
  behind.resume().on("end", () => behind.end());
  await Promise.all([once(behind, "close"), waitFor(() => front.lines.length === 1)]);
  expect(await (await fetch(front.url, { headers: BEARER })).text()).toBe("alive");
});

function* chunksOf(bytes: number): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024, 7);
  for (let sent = 0; sent < bytes; sent += chunk.length)
    yield chunk.subarray(0, Math.min(chunk.length, bytes - sent));
}

async function countInto(request: Readable, response: { end(text: string): unknown }): Promise<void> {
  let bytes = 0;
  for await (const chunk of request) bytes += chunk.length;
  response.end(String(bytes));
}
