/** The logs of the fake Fly. */
import type { FakeApp } from "./fly-cloud.ts";

const LOG_PAGE = 100;

/** A page of the logs of an app. */
export function logPage(app: FakeApp, query: URLSearchParams): Response {
  const instance = query.get("instance");
  const entries = app.machines
    .filter(({ id }) => instance === null || id === instance)
    .flatMap(({ id, region, logs: lines }) => lines.map((line) => ({ ...line, id, region })))
    .toSorted((one, other) => one.at - other.at);
  const token = query.get("next_token");
  const from = token === null ? Math.max(0, entries.length - LOG_PAGE) : Number(token);
  const page = entries.slice(from, from + LOG_PAGE);
  const data = page.map(({ at, message, provider, id, region }, index) => ({
    type: "log",
    id: `log-${from + index}`,
    attributes: {
      timestamp: new Date(at).toISOString(),
      message,
      level: "info",
      instance: id,
      region,
      meta: { instance: id, region, event: { provider } },
    },
  }));
  return Response.json({ data, meta: { next_token: String(from + page.length) } });
}
