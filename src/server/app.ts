/** The table of routes as a Hono application. A route that the table lacks does not exist. */
import { type Context, Hono } from "hono";
import { AtlasError } from "../errors.ts";
import { noContent, RouteRefusal, toProblemResponse } from "./answer.ts";
import type { Plane } from "./options.ts";
import { METHODS, type Route } from "./route.ts";
import { routes } from "./routes.ts";

/** The part of the Hono application that the handler and the tests use. */
export type App = Pick<Hono, "fetch" | "routes">;

/** The application that serves the table of routes. */
export function createApp(plane: Plane): App {
  const app = new Hono().basePath(plane.basePath || "/");
  for (const route of routes)
    app.on(route.method, route.path, (context) => orProblem(plane, () => serve(plane, route, context)));
  const allowedAt = (path: string): readonly string[] =>
    METHODS.filter((method) => app.router.match(method, path)[0].length > 0);
  app.notFound(({ req }) => orProblem(plane, async () => withoutRoute(req.raw.method, allowedAt(req.path))));
  return app;
}

async function orProblem(plane: Plane, answer: () => Promise<Response>): Promise<Response> {
  try {
    return await answer();
  } catch (error) {
    return toProblemResponse(plane, error);
  }
}

function serve(plane: Plane, route: Route, { req }: Context): Promise<Response> {
  if (req.raw.method === "HEAD" && !route.head) throw notAllowed("HEAD", [route.method]);
  return route.answer({ plane, request: req.raw, id: req.param("id") ?? req.param("slot") ?? "" });
}

function withoutRoute(method: string, allowed: readonly string[]): Response {
  if (allowed.length === 0) throw new AtlasError("NOT_FOUND", "There is no such route.");
  if (method === "OPTIONS") return noContent({ allow: allowed.join(", ") });
  throw notAllowed(method, allowed);
}

function notAllowed(method: string, allowed: readonly string[]): RouteRefusal {
  const allow = allowed.join(", ");
  const error = new AtlasError("VALIDATION", `This route takes ${allow}, not ${method.slice(0, 20)}.`);
  return new RouteRefusal(405, error, { allow });
}
