import type { Server } from "node:http";
import { createServer } from "node:http";
import express from "express";
import express4 from "express4";
import { describe, expect, it } from "vitest";
import { signUrl } from "../../src/auth/index.ts";
import { createGuard } from "../../src/guard/index.ts";
import { exchange } from "./raw/support/exchange.ts";
import { start } from "./support/servers.ts";

const TOKEN = "token-of-the-guarded-express";
const SECRET = "secret-of-the-guarded-express";

function guarded(make: typeof express): Server {
  const guard = createGuard({
    presharedKey: TOKEN,
    signingSecret: SECRET,
    publicPaths: ["/api/public/*"],
    env: {},
  });
  const router = make.Router();
  router.use((request, response) => {
    const { url, originalUrl, baseUrl, path, query } = request;
    response.json({ url, originalUrl, baseUrl, path, query });
  });
  const app = make();
  app.use(guard.express());
  app.use("/api", router);
  return createServer(app);
}

describe.each([
  ["Express 5", express],
  ["Express 4", express4],
] as const)("behind the guard in %s", (_, make) => {
  it("a whole URL as target is refused, because a router would cut it at another place", async () => {
    const server = guarded(make);
    const port = await start(server);
    for (const host of ["hh", "a", "pod.example", "h".repeat(30)]) {
      const target = `http://${host}/api/public/a/secret`;
      const { status } = await exchange(port, `GET ${target} HTTP/1.1\r\nHost: pod.example\r\n\r\n`);
      expect(status).toBe(401);
    }
    server.close();
  });

  it("no view of the query holds the signature that was checked", async () => {
    const server = guarded(make);
    const url = `http://127.0.0.1:${await start(server)}`;
    const answer = await fetch(url + signUrl("/api/a?q=1&list[]=2", { secret: SECRET }));
    const seen = await answer.json();
    expect(JSON.stringify(seen)).not.toMatch(/exp|sig/);
    expect(seen).toMatchObject({
      url: "/a?q=1&list[]=2",
      originalUrl: "/api/a?q=1&list[]=2",
      query: { q: "1" },
    });
    server.close();
  });

  it("the parsed URL that a router keeps holds no signature either", async () => {
    const guard = createGuard({ signingSecret: SECRET, env: {} });
    const app = make();
    const parsed: unknown[] = [];
    app.use((request, response, next) => {
      guard.express()(request, response, () => {
        parsed.push(Reflect.get(request, "_parsedUrl"));
        next();
      });
    });
    app.use((_request, response) => void response.end());
    const server = createServer(app);
    await fetch(`http://127.0.0.1:${await start(server)}${signUrl("/a", { secret: SECRET })}`);
    expect(parsed).toHaveLength(1);
    expect(JSON.stringify(parsed)).not.toContain("sig");
    server.close();
  });

  it("the application's own exp and sig stay under a bearer token", async () => {
    const server = guarded(make);
    const url = `http://127.0.0.1:${await start(server)}`;
    const answer = await fetch(`${url}/api/a?exp=1&sig=2&q=a%20b`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(await answer.json()).toMatchObject({
      url: "/a?exp=1&sig=2&q=a%20b",
      query: { exp: "1", sig: "2", q: "a b" },
    });
    server.close();
  });
});
