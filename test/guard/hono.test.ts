import { once } from "node:events";
import { inspect } from "node:util";
import { type HttpBindings, serve } from "@hono/node-server";
import { Hono } from "hono";
import { expect, it, onTestFinished } from "vitest";
import { mintToken, signPrefix, signUrl } from "../../src/auth/index.ts";
import { createGuard } from "../../src/guard/index.ts";

const SECRET = "secret-of-the-guarded-hono";
const FOLDER = `http://pod.example${signPrefix("/hls/", { secret: SECRET })}`;

function routes(app: Hono): Hono {
  app.get("/hls/*", (context) => context.text(`hls ${context.req.path}`));
  app.all("*", (context) => context.text(`other ${context.req.path}`));
  return app;
}

it("Hono behind guard.fetch serves the route of the path that was judged", async () => {
  const guard = createGuard({ signingSecret: SECRET, env: {} });
  const handler = guard.fetch(routes(new Hono()).fetch);
  expect(await (await handler(new Request(`${FOLDER}1.ts`))).text()).toBe("hls /hls/1.ts");
});

it("Hono's middleware refuses a path that Hono has routed before the guard could change it", async () => {
  const guard = createGuard({ signingSecret: SECRET, env: {} });
  const app = new Hono();
  app.use(guard.hono());
  const answer = await routes(app).fetch(new Request(`${FOLDER}1.ts`));
  expect(answer.status).toBe(401);
});

it.each(["middleware", "fetch"])(
  "Hono on node:http finds no credential in the request of Node that comes beside its own: %s",
  async (form) => {
    const { token } = mintToken();
    const guard = createGuard({ presharedKey: token, signingSecret: SECRET, env: {} });
    const app = new Hono<{ Bindings: HttpBindings }>();
    if (form === "middleware") app.use(guard.hono());
    app.all("*", async (context) => {
      const { url, headers, rawHeaders, headersDistinct } = context.env.incoming;
      return context.text(
        inspect({ url, headers, rawHeaders, headersDistinct, body: await context.req.text() }),
      );
    });
    const server = serve({ fetch: form === "fetch" ? guard.fetch(app.fetch) : app.fetch, port: 0 });
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const signed = signUrl("/a?b=1", { secret: SECRET });
    const requests: readonly (readonly [path: string, init: RequestInit])[] = [
      ["/a", { method: "POST", headers: { authorization: `Bearer ${token}` }, body: "hello" }],
      [signed, { headers: { referer: `https://pod.example${signed}` } }],
    ];
    for (const [path, init] of requests) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, init);
      const seen = await answer.text();
      expect(answer.status).toBe(200);
      expect(seen).toContain(init.method === "POST" ? "hello" : "/a?b=1");
      expect(seen).toContain("x-atlas-credential");
      expect([seen.includes(token), /sig=/.test(seen)]).toEqual([false, false]);
    }
  },
);
