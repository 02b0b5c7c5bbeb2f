/** The routes of the operator page. A route that this table lacks does not exist. */
import { Hono } from "hono";
import { AtlasError } from "../errors.ts";
import { asset, text } from "./answer.ts";
import { Journal } from "./metrics/journal.ts";
import { metricsText } from "./metrics/metrics.ts";
import { OPEN_METRICS } from "./metrics/text.ts";
import type { Desk } from "./options.ts";
import { confirm, perform, showCompute, showCosts, showList, showReaper } from "./pages.tsx";
import { type Answer, served } from "./served.tsx";
import { script } from "./views/script.ts";
import { icon, style } from "./views/style.ts";

/** The application that serves the page. */
export type OperatorApp = Pick<Hono, "fetch">;

/** Builds the application. */
export function createOperatorApp(desk: Desk): OperatorApp {
  const app = new Hono({ getPath: ({ url }) => pathBelow(desk.basePath, new URL(url).pathname) });
  const get = (path: string, answer: Answer): void => {
    app.get(path, (context) => served(desk, context, "view", answer));
  };
  get("/", showList);
  get("/computes/:id", showCompute);
  get("/costs", showCosts);
  get("/reaper", showReaper);
  const journal = new Journal(desk.atlas);
  get("/metrics", async ({ request }) => {
    const body = await metricsText(desk.atlas, journal, desk.clock.now());
    // A browser would store the format of Prometheus as a file.
    const isBrowser = request.headers.get("accept")?.includes("text/html") ?? false;
    return text(isBrowser ? "text/plain; charset=utf-8" : OPEN_METRICS, body);
  });
  app.get("/computes/:id/:action", (context) => served(desk, context, "act", confirm));
  app.post("/computes/:id/:action", (context) => served(desk, context, "act", perform));
  app.get("/live.js", () => asset("text/javascript; charset=utf-8", script));
  app.get("/style.css", () => asset("text/css; charset=utf-8", style));
  app.get("/icon.svg", () => asset("image/svg+xml", icon));
  app.all("*", (context) => served(desk, context, "view", noSuchPage));
  return app;
}

async function noSuchPage(): Promise<Response> {
  throw new AtlasError("NOT_FOUND", "There is no such page.");
}

/** The path below the page's own, whether the framework has stripped that or not, without a slash at its end. */
function pathBelow(basePath: string, pathname: string): string {
  const isBelow = pathname === basePath || pathname.startsWith(`${basePath}/`);
  const path = isBelow ? pathname.slice(basePath.length) : pathname;
  return path.replace(/(?<=.)\/$/, "") || "/";
}
