/** The attacks on the proxy that were found, each with the input that succeeded before. */
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { exchange } from "./raw/support/exchange.ts";
import { BEARER, PROXY_TOKEN, proxied, proxyTo, waitFor } from "./support/proxied.ts";
import { start } from "./support/servers.ts";

const PUBLIC = { publicPaths: ["/pub"] };
const SMUGGLED = "GET /secret HTTP/1.1\r\nHost: a\r\n\r\n";

function portOf(url: string): number {
  return Number(new URL(url).port);
}

async function behindRaw(
  answer: (socket: Socket, text: string) => void,
): Promise<{ port: number; close(): void }> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (data) => answer(socket, data.toString("latin1")));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    close: () => server.close(),
  };
}

describe("the proxy", () => {
  it("refuses an upgrade with a body, which would be the next request on a shared connection", async () => {
    const seen: string[] = [];
    await using front = await proxied((request, response) => {
      seen.push(request.url ?? "");
      response.end("ok");
    }, PUBLIC);
    const upgrade = `GET /pub HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`;
    const { status } = await exchange(portOf(front.url), upgrade);
    await fetch(`${front.url}/pub`);
    await fetch(`${front.url}/pub`);
    expect(status).toBe(401);
    expect(seen).toEqual(["/pub", "/pub"]);
  });

  it("opens a WebSocket on a connection that carries nothing before and nothing after it", async () => {
    const heads: string[] = [];
    const behind = await behindRaw((socket, text) => {
      heads.push(`${socket.remotePort} ${text.split("\r\n")[0]}`);
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    await using front = await proxyTo(new URL(`http://127.0.0.1:${behind.port}`), PUBLIC);
    await waitFor(() => front.watch.isListening);
    const upgrade = `GET /pub HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${SMUGGLED}`;
    await fetch(`${front.url}/pub`);
    const { text } = await exchange(portOf(front.url), upgrade);
    await fetch(`${front.url}/pub`);
    behind.close();
    expect(text).toContain("200 OK");
    const [first, upgraded, last] = heads.map((head) => head.split(" ")[0]);
    expect(heads.map((head) => head.slice(head.indexOf(" ") + 1))).toEqual(
      Array(3).fill("GET /pub HTTP/1.1"),
    );
    expect(upgraded).not.toBe(first);
    expect(upgraded).not.toBe(last);
  });

  it.each(["Trailer: x", "Trailer: Content-Length", "TE: trailers", "Connection: close, Host"])(
    "lives after a request with %s",
    async (header) => {
      await using front = await proxied((_request, response) => response.end("alive"), PUBLIC);
      const { status } = await exchange(
        portOf(front.url),
        `GET /pub HTTP/1.1\r\nHost: a\r\n${header}\r\n\r\n`,
      );
      expect([status, front.defects]).toEqual([200, []]);
      expect(await (await fetch(`${front.url}/pub`)).text()).toBe("alive");
    },
  );

  it("destroys the socket of a refused upgrade within seconds, whatever the caller sends behind it", async () => {
    await using front = await proxied((_request, response) => response.end());
    const socket = connect({ port: portOf(front.url), host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => socket.destroy());
    socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await once(socket, "data");
    socket.write("x");
    await waitFor(async () => (await connectionsOf(front.proxy.server)) === 0);
    socket.destroy();
  });

  it("does not read the body of a refused request, and ends its connection", async () => {
    await using front = await proxied((_request, response) => response.end());
    const socket = connect({ port: portOf(front.url), host: "127.0.0.1" });
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.on("error", () => socket.destroy());
    socket.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
    const [answer] = await once(socket, "data");
    const chunk = Buffer.alloc(2 ** 20);
    while (socket.writable && socket.writableLength < 64 * 2 ** 20) {
      socket.write(chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    expect(String(answer)).toMatch(/^HTTP\/1\.1 401 /);
    expect(socket.bytesWritten - socket.writableLength).toBeLessThan(32 * 2 ** 20);
  });

  it("judges a request before it tells the caller to send its body", async () => {
    await using front = await proxied((request, response) => void request.pipe(response));
    const head = (token: string): string =>
      `POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`;
    const refused = await exchange(portOf(front.url), head("x"));
    const passed = await exchange(portOf(front.url), `${head(PROXY_TOKEN)}hello`);
    expect(refused.text).toMatch(/^HTTP\/1\.1 401 /);
    expect(passed.text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
    expect(passed.text).toContain("hello");
  });

  it("gives the oldest silent connection of an address up for a new one", async () => {
    await using front = await proxied((_request, response) => response.end("in"));
    const sockets = Array.from({ length: 230 }, () => connect(portOf(front.url), "127.0.0.1"));
    for (const socket of sockets) socket.on("error", () => socket.destroy());
    await waitFor(() => sockets.filter(({ closed }) => closed).length >= 30);
    expect(await (await fetch(front.url, { headers: BEARER })).text()).toBe("in");
    for (const socket of sockets) socket.destroy();
  });

  it("sets no bound on an address behind an edge", async () => {
    await using front = await proxied((_request, response) => response.end("in"), {}, { trustProxy: true });
    const sockets = Array.from({ length: 230 }, () => connect(portOf(front.url), "127.0.0.1"));
    await waitFor(async () => (await connectionsOf(front.proxy.server)) === 230);
    for (const socket of sockets) socket.destroy();
  });

  it("tells the server behind the peer and the kind of credential, and takes neither from the caller", async () => {
    await using front = await proxied((request, response) => response.end(JSON.stringify(request.headers)));
    const forged = {
      "x-forwarded-for": "1.2.3.4",
      "x-atlas-credential": "cookie",
      x_atlas_credential: "cookie",
      script_name: "/assets",
      "x-original-url": "/secret",
    };
    const seen = await (await fetch(front.url, { headers: { ...BEARER, ...forged } })).json();
    expect(seen).toMatchObject({ "x-forwarded-for": "1.2.3.4, 127.0.0.1", "x-atlas-credential": "bearer" });
    for (const name of ["x_atlas_credential", "script_name", "x-original-url", "authorization"])
      expect(seen).not.toHaveProperty(name);
  });

  it("replaces the addresses of earlier proxies where it is told to", async () => {
    await using front = await proxied(
      (request, response) => response.end(JSON.stringify(request.headers)),
      {},
      { forwarded: "replace" },
    );
    const forged = { "x-forwarded-for": "1.2.3.4", "x-forwarded-host": "evil", forwarded: "for=1.2.3.4" };
    const seen = await (await fetch(front.url, { headers: { ...BEARER, ...forged } })).json();
    expect(seen).toMatchObject({
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-host": new URL(front.url).host,
    });
    expect(seen).not.toHaveProperty("forwarded");
  });

  it("passes on an answer that comes before a reset, in the middle of an upload", async () => {
    const behind = await behindRaw((socket) => {
      socket.pause();
      socket.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig", () =>
        socket.resetAndDestroy(),
      );
    });
    await using front = await proxyTo(new URL(`http://127.0.0.1:${behind.port}`));
    await waitFor(() => front.watch.isListening);
    const statuses: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const upload = `POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${PROXY_TOKEN}\r\nContent-Length: 3000000\r\n\r\n`;
      statuses.push((await exchange(portOf(front.url), upload + "x".repeat(3_000_000))).status);
    }
    behind.close();
    expect(statuses).toEqual(Array(20).fill(413));
  });

  it("sends a request again when a reused connection dies under it, and never one with a body", async () => {
    const seen: string[] = [];
    const count = new WeakMap<Socket, number>();
    const behind = await behindRaw((socket, text) => {
      const served = count.get(socket) ?? 0;
      count.set(socket, served + 1);
      if (served > 0) return void socket.destroy();
      seen.push(text.split(" ")[0] ?? "");
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    await using front = await proxyTo(new URL(`http://127.0.0.1:${behind.port}`));
    await waitFor(() => front.watch.isListening);
    for (const method of ["GET", "GET", "HEAD", "POST", "DELETE"]) {
      const body = method === "POST" ? { body: "once" } : {};
      const { status } = await fetch(front.url, { method, headers: BEARER, ...body });
      expect(status).toBe(200);
    }
    behind.close();
    expect(seen).toEqual(["GET", "GET", "HEAD", "POST", "DELETE"]);
  });

  it("lets bytes that come behind an answer reach no other caller", async () => {
    const behind = await behindRaw((socket, text) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      if (text.startsWith("GET /trap"))
        setTimeout(() => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), 30);
    });
    await using front = await proxyTo(new URL(`http://127.0.0.1:${behind.port}`));
    await waitFor(() => front.watch.isListening);
    const bodies: string[] = [];
    for (const path of ["/trap", "/a", "/b"]) {
      bodies.push(await (await fetch(front.url + path, { headers: BEARER })).text());
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    behind.close();
    expect(bodies).toEqual(["ok", "ok", "ok"]);
  });

  it("lives when a caller resets the connection of an upgrade that the server behind refuses", async () => {
    const answer = Promise.withResolvers<() => void>();
    const behind = await behindRaw((socket) =>
      answer.resolve(() =>
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n${"x".repeat(2_000_000)}`),
      ),
    );
    await using front = await proxyTo(new URL(`http://127.0.0.1:${behind.port}`), PUBLIC);
    await waitFor(() => front.watch.isListening);
    const caller = connect(portOf(front.url), "127.0.0.1");
    caller.on("error", () => caller.destroy());
    caller.write("GET /pub HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    const send = await answer.promise;
    caller.resetAndDestroy();
    await once(caller, "close");
    send();
    await waitFor(() => front.lines.length === 1);
    expect((await fetch(`${front.url}/.well-known/atlas/ready`)).status).toBe(200);
    behind.close();
  });

  it("serves a request that offers HTTP/2, and ignores the offer", async () => {
    await using front = await proxied((request, response) => response.end(JSON.stringify(request.headers)));
    new WebSocketServer({ server: front.behind });
    const head = `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${PROXY_TOKEN}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`;
    const { text, status } = await exchange(portOf(front.url), head);
    expect(status).toBe(200);
    expect(text).not.toMatch(/upgrade|http2-settings/i);
  });
});

it("every view of a request's headers agrees behind the middleware", async () => {
  const { createGuard } = await import("../../src/guard/index.ts");
  const guard = createGuard({ presharedKey: PROXY_TOKEN, env: {} });
  const seen = Promise.withResolvers<IncomingMessage>();
  const server = createHttpServer(
    guard.node((request, response) => {
      request.resume().on("end", () => {
        seen.resolve(request);
        response.end();
      });
    }),
  );
  const port = await start(server);
  const head = `POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${PROXY_TOKEN}\r\nX-Atlas-Credential: cookie\r\nX-Two: 1\r\nX-Two: 2\r\nconstructor: 6\r\n__proto__: 7\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 3\r\n__proto__: 5\r\nX-Atlas-User: 4\r\nAuthorization: Bearer x\r\n\r\n`;
  await exchange(port, head);
  const { headers, headersDistinct, rawHeaders, trailers, trailersDistinct, rawTrailers } =
    await seen.promise;
  server.close();
  expect(headers).toEqual({
    host: "a",
    "x-two": "1, 2",
    constructor: "6",
    "transfer-encoding": "chunked",
    "x-atlas-credential": "bearer",
  });
  expect(headersDistinct).toMatchObject({
    "x-two": ["1", "2"],
    "x-atlas-credential": ["bearer"],
    constructor: ["6"],
  });
  expect(rawHeaders.map((text) => text.toLowerCase())).not.toContain("authorization");
  expect([trailers, trailersDistinct, rawTrailers]).toEqual([
    { "x-sum": "3", ["__proto__"]: "5" },
    { "x-sum": ["3"], ["__proto__"]: ["5"] },
    ["X-Sum", "3", "__proto__", "5"],
  ]);
});

async function connectionsOf(server: import("node:http").Server): Promise<number> {
  return await new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
  );
}
