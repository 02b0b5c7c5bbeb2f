/**
 * The control plane: one Fetch handler that a web application mounts. Browsers spawn and end their computes through it, pods report to it,
 * and crons and other services call it. Each kind of caller has a credential of its own.
 *
 * @module
 */
import { createApp } from "./app.ts";
import { type ControlPlaneOptions, type ControlPlaneUser, toPlane } from "./options.ts";

export {
  createOperatorPage,
  type Operator,
  type OperatorPage,
  type OperatorPageOptions,
  type OperatorRole,
} from "../operator/index.ts";
export { type Handler, type NextRoutes, toNextRoutes } from "./next-routes.ts";
export type { ControlPlaneOptions, ControlPlaneUser } from "./options.ts";
export { type ResourceRoute, toResourceRoute } from "./resource-route.ts";
export { type AtlasFactory, sharedAtlas } from "./shared-atlas.ts";

/** The handler. */
export interface ControlPlane {
  (request: Request): Promise<Response>;
  /**
   * Ends every event stream, because an open stream keeps a server from closing: call it when the process is told to end, before the server's
   * `close()`. Other requests are answered on. Browsers reconnect two seconds later, to the process that then runs.
   */
  closeStreams(): void;
}

/**
 * Creates the handler. Mount it so that every request below `basePath` reaches it, with any method:
 *
 * - **Next**: `app/api/atlas/[...path]/route.ts` with `basePath: "/api/atlas"`, its exports made by {@link toNextRoutes}.
 * - **React Router**: a resource route `api/atlas/*`, its exports made by {@link toResourceRoute}.
 * - **Hono**: `app.mount("/api/atlas", handler)`, which strips the path: leave `basePath` out.
 * - **node:http**: `serve({ fetch: handler })` of `@hono/node-server`.
 *
 * Every response is JSON or an event stream, and every failure is an RFC 9457 problem with a `code`. The handler never throws.
 *
 * @throws VALIDATION naming each invalid option, such as an internal secret that is empty or too short
 *
 * @example
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { mock } from "atlas-compute/mock";
 * import { createControlPlane } from "atlas-compute/server";
 *
 * const sessions = new Map([["cookie-of-ada", { userId: "ada", plan: "pro" }]]);
 * const handler = createControlPlane({
 *   atlas: createAtlas({ providers: [mock()], controlUrl: "https://app.example/api/atlas" }),
 *   authorize: (request) => sessions.get(request.headers.get("cookie") ?? "") ?? null,
 *   request: ({ plan }) => ({ gpu: plan === "pro" ? "h100" : "l4", image: "ghcr.io/me/server:1", ports: [8000] }),
 *   basePath: "/api/atlas",
 * });
 * const response = await handler(new Request("https://app.example/api/atlas/health"));
 * console.log(response.status); // 200
 * ```
 */
export function createControlPlane<User extends ControlPlaneUser>(
  options: ControlPlaneOptions<User>,
): ControlPlane {
  const plane = toPlane(options);
  const app = createApp(plane);
  const handler = async (request: Request): Promise<Response> => app.fetch(request);
  return Object.assign(handler, { closeStreams: () => plane.streams.close() });
}
