/** Headers by which some servers replace the method or the path that the guard has judged. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import express4 from "express4";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { signPrefix, signUrl } from "../../src/auth/index.ts";
import { createGuard, type Guard, type GuardOptions } from "../../src/guard/index.ts";
import { proxyTo, waitFor } from "./support/proxied.ts";
import { start } from "./support/servers.ts";

const TOKEN = "a".repeat(43);
const SECRET = "test-secret";
const OPTIONS: GuardOptions = {
  presharedKey: TOKEN,
  signingSecret: SECRET,
  publicPaths: ["/assets/*"],
  env: {},
  log: () => {},
};
const REPLACING = {
  "x-http-method": "DELETE",
  "x-http-method-override": "DELETE",
  "x-method-override": "DELETE",
  "x-original-url": "/secret",
  "x-original-uri": "/secret",
  "x-rewrite-url": "/secret",
  "x-script-name": "/assets",
};

const echo = (request: IncomingMessage, response: ServerResponse): void => {
  response.end(JSON.stringify(request.headers));
};
const echoFetch = (request: Request): Response => Response.json(Object.fromEntries(request.headers));

const SERVERS: readonly (readonly [name: string, serve: (guard: Guard) => Server])[] = [
  ["node:http", (guard) => createServer(guard.node(echo))],
  ["Express 5", (guard) => createServer(express().use(guard.express()).use(echo))],
  ["Express 4", (guard) => createServer(express4().use(guard.express()).use(echo))],
  [
    "Hono",
    (guard) => {
      const app = new Hono().use(guard.hono()).all("*", ({ req }) => echoFetch(req.raw));
      return createServer(getRequestListener(app.fetch));
    },
  ],
  ["a Fetch handler", (guard) => createServer(getRequestListener(guard.fetch(echoFetch)))],
];

const CREDENTIALS: readonly (readonly [name: string, path: string])[] = [
  ["no credential", "/assets/secret"],
  ["a signed URL", signUrl("/file", { secret: SECRET })],
  ["a signed prefix", `${signPrefix("/hls/", { secret: SECRET })}a`],
];

async function seen(port: number, path: string, token?: string): Promise<Record<string, string>> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { ...REPLACING, "x-own": "1", ...authorization },
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, string>;
}

const replacing = (headers: Record<string, string>): string[] =>
  Object.keys(headers).filter((name) => name in REPLACING);

describe.each(SERVERS)("behind the guard in front of %s", (at, serve) => {
  // Hono has routed the request with its prefix.
  const credentials = CREDENTIALS.filter(([name]) => at !== "Hono" || name !== "a signed prefix");

  it.each(credentials)("a request with %s has none of them", async (_, path) => {
    await using guard = createGuard(OPTIONS);
    const server = serve(guard);
    const headers = await seen(await start(server), path);
    expect([replacing(headers), headers["x-own"]]).toEqual([[], "1"]);
    server.closeAllConnections();
    server.close();
  });

  it("a request with a token keeps them, because it may use every path and method", async () => {
    await using guard = createGuard(OPTIONS);
    const server = serve(guard);
    const headers = await seen(await start(server), "/file", TOKEN);
    expect(replacing(headers).toSorted()).toEqual(Object.keys(REPLACING).toSorted());
    server.closeAllConnections();
    server.close();
  });
});

describe("behind the guard as a proxy", () => {
  it.each(CREDENTIALS)("a request with %s has none of them", async (_, path) => {
    const behind = createServer(echo);
    const target = new URL(`http://127.0.0.1:${await start(behind)}`);
    await using proxied = await proxyTo(target, OPTIONS);
    await waitFor(() => proxied.watch.isListening);
    expect(replacing(await seen(Number(new URL(proxied.url).port), path))).toEqual([]);
    behind.closeAllConnections();
    behind.close();
  });
});
