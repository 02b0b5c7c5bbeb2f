import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { serve } from "@hono/node-server";
import express from "express";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { beforeAll, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { hashToken, mintToken, signUrl } from "../../src/auth/index.ts";
import { createGuard, type GuardOptions } from "../../src/guard/index.ts";
import { loadRetry } from "../../src/internal/retry.ts";
import { manualClock } from "../../src/providers/mock/index.ts";
import { fakeControlPlane } from "./support/control-plane.ts";
import { judgeAtOnce, requestOf } from "./support/judge.ts";
import { start } from "./support/servers.ts";

beforeAll(loadRetry);

const TOKEN = "the-token-of-this-pod";
const BEARER = { authorization: `Bearer ${TOKEN}` };

describe("createGuard", () => {
  it("reads absent options from the pod's environment", () => {
    const env = {
      ATLAS_PRESHARED_KEY: TOKEN,
      ATLAS_SIGNING_SECRET: "test-secret",
      ATLAS_ORIGINS: "https://app.example, http://localhost:3000",
      ATLAS_COMPUTE_ID: "atlascompute12345678",
      ATLAS_CONTROL_URL: "",
    };
    const guard = createGuard({ env });
    const judge = (url: string, headers: Record<string, string>): unknown =>
      judgeAtOnce(guard, requestOf("GET", url, headers));
    expect(judge("/", BEARER)).toMatchObject({ kind: "pass" });
    expect(judge(signUrl("/x", { secret: "test-secret" }), {})).toMatchObject({ credential: "signed-url" });
    expect(judge("/", { origin: "http://localhost:3000" })).toMatchObject({
      headers: { "access-control-allow-origin": "http://localhost:3000" },
    });
    expect(judge("/.well-known/atlas/ready", {})).toMatchObject({
      body: '{"computeId":"atlascompute12345678","status":"ready"}',
    });
  });

  it("prefers an option to a variable of the environment", () => {
    const guard = createGuard({ presharedKey: "other", env: { ATLAS_PRESHARED_KEY: TOKEN } });
    expect(judgeAtOnce(guard, requestOf("GET", "/", { authorization: `Bearer ${TOKEN}` })).kind).toBe(
      "refused",
    );
  });

  it("names the missing variable when it has no key, and refuses", () => {
    const lines: string[] = [];
    const guard = createGuard({ env: {}, log: (line) => lines.push(line) });
    expect(lines).toEqual([expect.stringContaining("Set ATLAS_PRESHARED_KEY")]);
    expect(judgeAtOnce(guard, requestOf("GET", "/", { authorization: "Bearer " })).kind).toBe("refused");
  });

  it("accepts tokens by their hashes alone", () => {
    const guard = createGuard({ hashes: [hashToken(TOKEN)], env: {} });
    expect(judgeAtOnce(guard, requestOf("GET", "/", { authorization: `Bearer ${TOKEN}` })).kind).toBe("pass");
  });

  it.each<[string, unknown]>([
    ["presharedKey", { presharedKey: "two, tokens" }],
    ["presharedKey", { presharedKey: "" }],
    ["presharedKey", { presharedKey: [] }],
    ["hashes[0]", { hashes: ["ABC"] }],
    ["signingSecret", { signingSecret: "" }],
    ["schemes[0]", { schemes: ["basic"] }],
    ["signedMethods[0]", { signedMethods: ["post"] }],
    ["ATLAS_AUTH", { env: { ATLAS_AUTH: "bearer,password" } }],
    ["origins[0]", { origins: ["*"] }],
    ["origins[0]", { origins: ["https://app.example/"] }],
    ["origins[0]", { origins: ["null"] }],
    ["publicPaths[0]", { publicPaths: ["/a%2fb"] }],
    ["publicPaths[0]", { publicPaths: ["/a*"] }],
    ["controlUrl", { controlUrl: "ftp://x" }],
    ["deadline", { deadline: "tomorrow" }],
    ["signs[0]", { signs: ["cpu"] }],
    ["deadMan", { deadMan: { unreachableSeconds: 1 } }],
    ["isReady", { isReady: true }],
    ["origin", { origin: "https://app.example" }],
    ["ATLAS_DEADLINE", { env: { ATLAS_DEADLINE: "soon" } }],
    ["ATLAS_ORIGINS", { env: { ATLAS_ORIGINS: "https://a.example,b" } }],
  ])("rejects a malformed %s: %j", (field, options) => {
    expect(() => createGuard(options as GuardOptions)).toThrow(
      expect.objectContaining({ code: "VALIDATION", message: expect.stringContaining(field) }),
    );
  });

  it("never repeats a malformed secret in the error", () => {
    const wrong = { presharedKey: "secret, key", podToken: "pod secret\n", signingSecret: "" };
    expect(() => createGuard(wrong)).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/secret, key|pod secret/) }),
    );
  });

  it("rejects a malformed list of hashes, and keeps the previous tokens", () => {
    const guard = createGuard({ presharedKey: TOKEN, env: {} });
    expect(() => guard.replaceHashes([{ hash: TOKEN, expiresAt: null }])).toThrow(/64 lowercase hex digits/);
    expect(judgeAtOnce(guard, requestOf("GET", "/", { authorization: `Bearer ${TOKEN}` })).kind).toBe("pass");
  });

  it("refuses when isReady throws, and does not throw itself", () => {
    const isReady = (): boolean => {
      throw new Error("broken");
    };
    const guard = createGuard({ presharedKey: TOKEN, isReady, env: {} });
    expect(judgeAtOnce(guard, requestOf("GET", "/.well-known/atlas/ready")).kind).toBe("refused");
  });
});

describe("in front of a real server", () => {
  it("Hono receives whole bodies, and its errors carry CORS headers", async () => {
    const guard = createGuard({ presharedKey: TOKEN, origins: ["https://app.example"], env: {} });
    const app = new Hono();
    app.use(guard.hono());
    app.post("/echo", async (context) => context.text(await context.req.text()));
    app.get("/broken", () => {
      throw new HTTPException(500);
    });
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
    await once(server, "listening");
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    const body = "x".repeat(1_000_000);
    const echoed = await fetch(`${url}/echo`, { method: "POST", headers: BEARER, body });
    expect(await echoed.text()).toBe(body);
    const broken = await fetch(`${url}/broken`, { headers: { ...BEARER, origin: "https://app.example" } });
    expect([broken.status, broken.headers.get("access-control-allow-origin")]).toEqual([
      500,
      "https://app.example",
    ]);
    server.close();
  });

  it("Express below a mount point sees its own URL, while the guard judges the whole one", async () => {
    const guard = createGuard({ signingSecret: "test-secret", env: {} });
    const app = express();
    app.use("/api", guard.express());
    app.get(
      "/api/a",
      (request, response) => void response.json([request.url, request.originalUrl, request.query]),
    );
    const server = createServer(app);
    const url = `http://127.0.0.1:${await start(server)}`;
    const answer = await fetch(url + signUrl("/api/a?q=1", { secret: "test-secret" }));
    expect(await answer.json()).toEqual(["/api/a?q=1", "/api/a?q=1", { q: "1" }]);
    expect((await fetch(`${url}/api/a?q=1`)).status).toBe(401);
    server.close();
  });

  it.each<[string, RequestListener]>([
    [
      "setHeader",
      (_request, response) =>
        void response.setHeader("access-control-allow-origin", "*").setHeader("vary", "Accept").end(),
    ],
    [
      "writeHead with an object",
      (_request, response) =>
        void response.writeHead(200, { "Access-Control-Allow-Origin": "*", Vary: "Accept" }).end(),
    ],
    [
      "writeHead with a reason",
      (_request, response) =>
        void response.writeHead(200, "Fine", { "Access-Control-Allow-Origin": "*", Vary: "Accept" }).end(),
    ],
    [
      "writeHead with a list",
      (_request, response) =>
        void response
          .writeHead(200, [
            "Access-Control-Allow-Origin",
            "*",
            "Vary",
            "Accept",
            "Set-Cookie",
            "a=1",
            "Set-Cookie",
            "b=2",
          ])
          .end(),
    ],
  ])("one layer speaks of origins, whatever the server said by %s", async (_, listener) => {
    const guard = createGuard({ presharedKey: TOKEN, origins: ["https://app.example"], env: {} });
    const server = createServer(guard.node(listener));
    const url = `http://127.0.0.1:${await start(server)}`;
    const { headers } = await fetch(url, { headers: { ...BEARER, origin: "https://app.example" } });
    expect(headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(headers.get("vary")).toBe("Accept, Origin");
    server.close();
  });

  it("bytes on an open WebSocket and on an open response are signs of life, silence is not", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    plane.facts.hashes = [{ hash: hashToken(TOKEN), expiresAt: null }];
    const signs: unknown[] = [];
    await using guard = createGuard({
      presharedKey: TOKEN,
      controlUrl: "https://app.example",
      podToken: "t",
      signs: ["sockets"],
      fetch: async (input, init) => {
        const body = JSON.parse(String(init?.body));
        if (body.signs.length > 0) signs.push(body);
        return plane.fetch(input, init);
      },
      clock,
      env: {},
    });
    const server = createServer(guard.node((_request, response) => response.write("on and on")));
    const sockets = new WebSocketServer({ noServer: true });
    const accept = guard.upgrade((request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (one) =>
        one.on("message", (message) => one.send(message)),
      ),
    );
    server.on("upgrade", accept);
    const port = await start(server);
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, ["atlas.v1", `atlas.bearer.${TOKEN}`]);
    await once(socket, "open");
    expect(socket.protocol).toBe("atlas.v1");
    const leaving = new AbortController();
    await fetch(`http://127.0.0.1:${port}`, { headers: BEARER, signal: leaving.signal });
    await clock.advance(120);
    const before = signs.length;
    socket.send("still here");
    await once(socket, "message");
    await clock.advance(60);
    expect(signs.length - before).toBe(1);
    await clock.advance(600);
    expect(signs.length - before).toBe(1);
    socket.close();
    leaving.abort();
    await once(socket, "close");
    server.closeAllConnections();
    server.close();
    await once(server, "close");
    await clock.advance(120);
    await guard.close();
    expect(clock.sleeping).toBe(0);
  });

  it("replaceHashes rotates a token while the server runs", async () => {
    const next = mintToken();
    const guard = createGuard({ presharedKey: TOKEN, env: {} });
    const server = createServer(guard.node((_request, response) => void response.end()));
    const url = `http://127.0.0.1:${await start(server)}`;
    const status = async (token: string): Promise<number> =>
      (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;
    expect([await status(TOKEN), await status(next.token)]).toEqual([200, 401]);
    guard.replaceHashes([{ hash: next.hash, expiresAt: null }]);
    expect([await status(TOKEN), await status(next.token)]).toEqual([401, 200]);
    server.close();
  });
});
