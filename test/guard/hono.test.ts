import { Hono } from "hono";
import { expect, it } from "vitest";
import { signPrefix } from "../../src/auth/index.ts";
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
