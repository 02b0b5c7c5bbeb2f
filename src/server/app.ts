/** The table of routes as a Hono application. A route that the table lacks does not exist. */
import { type Context, Hono } from "hono";
import { AtlasError } from "../errors.ts";
import { noContent, RouteRefusal, toProblemResponse, withHeaders } from "./answer.ts";
import { mountCheck } from "./mount.ts";
import type { Plane } from "./options.ts";
import { corsHeaders } from "./origins.ts";
import { METHODS, type Route } from "./route.ts";
import { routes } from "./routes.ts";
import type { Reader } from "./told-error.ts";

/** The part of the Hono application that the handler and the tests use. */
export type App = Pick<Hono, "fetch" | "routes">;

/** The application that serves the table of routes. A slash at the end of a path does not matter, because some frameworks add it. */
export function createApp(plane: Plane): App {
  const app = new Hono({ strict: false }).basePath(plane.basePath || "/");
  const methodsAt = (path: string): readonly string[] =>
    METHODS.filter((method) => app.router.match(method, path)[0].length > 0);
  const { compare, missed } = mountCheck(
    plane,
    (path) => methodsAt(plane.basePath + withoutLastSlash(path)).length > 0,
  );
  const answer = async (
    request: Request,
    reader: Reader,
    make: () => Promise<Response>,
  ): Promise<Response> => {
    compare(request);
    const response = await make().catch((error: unknown) => toProblemResponse(plane, reader, error));
    return withHeaders(response, corsHeaders(plane, request));
  };
  for (const route of routes) {
    const reader = route.credential === "user" ? "browser" : "service";
    app.on(route.method, route.path, (context) =>
      answer(context.req.raw, reader, () => serve(plane, route, context)),
    );
  }
  app.notFound(({ req: { raw, path } }) => {
    missed(raw);
    return answer(raw, "browser", async () => withoutRoute(raw.method, methodsAt(path)));
  });
  return app;
}

async function serve(plane: Plane, route: Route, { req }: Context): Promise<Response> {
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

/** The path as the router takes it. */
function withoutLastSlash(path: string): string {
  return path.replace(/(?<=.)\/$/, "");
}
