/** A control plane as the route handlers of a Next application. */

/** A Fetch handler. */
export type Handler = (request: Request) => Promise<Response>;

/** The route handlers of one file of a Next application, one for each method. */
export interface NextRoutes {
  readonly GET: Handler;
  readonly HEAD: Handler;
  readonly POST: Handler;
  readonly PUT: Handler;
  readonly DELETE: Handler;
  readonly OPTIONS: Handler;
}

/**
 * Turns a control plane into the exports of `app/<its basePath>/[...path]/route.ts`. Next checks the form of these exports: each is
 * exactly `(request: Request) => Promise<Response>`.
 *
 * @example
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { mock } from "atlas-compute/mock";
 * import { createControlPlane, sharedAtlas, toNextRoutes } from "atlas-compute/server";
 *
 * const plane = createControlPlane({
 *   atlas: sharedAtlas("main", () => createAtlas({ providers: [mock()] })),
 *   authorize: () => ({ userId: "ada" }),
 *   request: () => ({ image: "ghcr.io/me/server:1", ports: [8000] }),
 *   basePath: "/api/atlas",
 * });
 * export const { GET, POST, PUT, DELETE, OPTIONS } = toNextRoutes(plane);
 * ```
 */
export function toNextRoutes(plane: Handler): NextRoutes {
  const handler: Handler = (request) => plane(request);
  return { GET: handler, HEAD: handler, POST: handler, PUT: handler, DELETE: handler, OPTIONS: handler };
}
