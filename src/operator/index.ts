/** The page for operators: one Fetch handler that a web application mounts beside its control plane. */
import type { OperatorApp } from "./app.ts";
import { type OperatorPageOptions, toDesk } from "./options.ts";

export type { Operator, OperatorPageOptions, OperatorRole } from "./options.ts";

/** The handler. */
export type OperatorPage = (request: Request) => Promise<Response>;

/**
 * Creates a page that shows every compute of a client to the application's operators: the list with its totals and filters, each compute with its events,
 * reports, GPU health and log lines, the costs of two months, and the work of the reaper. An operator with the role `act` touches, extends, stops, starts and ends computes
 * there and rotates tokens. The page works without a script, and the handler never throws.
 *
 * Mount it so that every request below `basePath` reaches it, with GET and POST. `authorize` decides about every request, also about
 * `/metrics`, which Prometheus reads.
 *
 * @throws VALIDATION naming each invalid option
 *
 * @example
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { mock } from "atlas-compute/mock";
 * import { createOperatorPage } from "atlas-compute/server";
 *
 * const operators = new Map([["cookie-of-grace", { operator: "grace", role: "act" as const }]]);
 * const page = createOperatorPage({
 *   atlas: createAtlas({ providers: [mock()] }),
 *   authorize: (request) => operators.get(request.headers.get("cookie") ?? "") ?? null,
 *   basePath: "/operator",
 * });
 * const headers = { cookie: "cookie-of-grace" };
 * const response = await page(new Request("https://app.example/operator", { headers }));
 * console.log(response.status); // 200
 * ```
 */
export function createOperatorPage(options: OperatorPageOptions): OperatorPage {
  const desk = toDesk(options);
  let loading: Promise<OperatorApp> | undefined;
  return async (request) => {
    loading ??= import("./app.ts").then(({ createOperatorApp }) => createOperatorApp(desk));
    return (await loading).fetch(request);
  };
}
