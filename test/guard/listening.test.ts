/** The report of a guard that its server listens, without which a page that follows the pod hears of it late. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { ListenOptions } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import express4 from "express4";
import { Hono } from "hono";
import { beforeAll, describe, expect, it } from "vitest";
import { createGuard, type Guard } from "../../src/guard/index.ts";
import { loadRetry } from "../../src/internal/retry.ts";
import { manualClock } from "../../src/providers/mock/index.ts";
import { fakeControlPlane, guardWith, TOKEN } from "./support/control-plane.ts";
import { requestOf } from "./support/judge.ts";
import { waitFor } from "./support/proxied.ts";
import { start } from "./support/servers.ts";

beforeAll(loadRetry);

const READY = { body: { status: "ready" }, authorization: "Bearer pod-token" };

/** Answers nothing; `guard.hono()` and `guard.fetch()` stand in front of such handlers. */
const ok = (): Response => new Response("ok");

describe("a guard as middleware reports once that its server listens", () => {
  type Serve = (guard: Guard) => Server;
  const makers: [string, Serve][] = [
    ["node:http", (guard) => createServer(guard.node((_request, response) => response.end()))],
    ["Express 5", (guard) => createServer(express().use(guard.express()))],
    ["Express 4", (guard) => createServer(express4().use(guard.express()))],
    ["Hono", (guard) => createServer(getRequestListener(new Hono().use(guard.hono()).get("/", ok).fetch))],
    ["a Fetch handler", (guard) => createServer(getRequestListener(guard.fetch(ok)))],
  ];
  const addresses: [string, () => ListenOptions][] = [
    ["every address", () => ({ port: 0 })],
    ["every IPv4 address", () => ({ port: 0, host: "0.0.0.0" })],
    ["one address", () => ({ port: 0, host: "127.0.0.1" })],
    ["a socket", () => ({ path: join(tmpdir(), `atlas-${randomUUID()}`) })],
  ];

  it.each(
    makers.flatMap(([name, serve]) => addresses.map(([at, place]) => [name, at, serve, place] as const)),
  )("behind %s at %s, without any caller", async (_name, _at, serve, place) => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch });
    const reports = (): unknown[] => plane.beats.filter(({ url }) => url.endsWith("/pod/status"));
    const server = serve(guard);
    await clock.advance(600);
    expect(reports()).toEqual([]);
    server.listen(place());
    await waitFor(() => reports().length > 0);
    server.close();
    await once(server, "close");
    server.listen(place());
    await once(server, "listening");
    await clock.advance(600);
    expect(reports()).toMatchObject([READY]);
    server.close();
  });

  it("at its first request where the guard cannot see the server", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using guard = guardWith(clock, { fetch: plane.fetch });
    await clock.advance(600);
    expect(plane.beats.some(({ url }) => url.endsWith("/pod/status"))).toBe(false);
    await guard.judge(requestOf("GET", "/"));
    await clock.advance(600);
    expect(plane.beats.filter(({ url }) => url.endsWith("/pod/status"))).toMatchObject([READY]);
  });

  it("not for another server of its process", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using _guard = guardWith(clock, { fetch: plane.fetch });
    const asked: (string | undefined)[] = [];
    const metrics = createServer((request, response) => {
      asked.push(request.url);
      response.writeHead(404).end();
    });
    await start(metrics);
    await waitFor(() => asked.length > 0);
    await clock.advance(600);
    expect(asked).toEqual(["/.well-known/atlas/ready"]);
    expect(plane.beats.some(({ url }) => url.endsWith("/pod/status"))).toBe(false);
    metrics.close();
  });

  it("and leaves no connection open to a server that answers without an end", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    await using _guard = guardWith(clock, { fetch: plane.fetch });
    const closed = Promise.withResolvers<void>();
    const endless = createServer((_request, response) => {
      const timer = setInterval(() => response.write("data: more\n\n"), 5);
      response.on("close", () => {
        clearInterval(timer);
        closed.resolve();
      });
    });
    await start(endless);
    await closed.promise;
    endless.close();
  });

  it("never after it was closed, and asks no server without a control plane", async () => {
    const clock = manualClock();
    const plane = fakeControlPlane(clock);
    const guard = guardWith(clock, { fetch: plane.fetch });
    await guard.close();
    createGuard({ presharedKey: TOKEN, env: {} });
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      response.end();
    });
    const port = await start(server);
    await (await fetch(`http://127.0.0.1:${port}/`)).text();
    await guard.judge(requestOf("GET", "/"));
    await clock.advance(600);
    expect(asked).toBe(1);
    expect(plane.beats.some(({ url }) => url.endsWith("/pod/status"))).toBe(false);
    server.closeAllConnections();
    server.close();
  });
});
