/** A control plane as a resource route of a React Router or Remix application. */

import type { Handler } from "./next-routes.ts";

/** The exports of a resource route. */
export interface ResourceRoute {
  /** Answers GET and HEAD. */
  readonly loader: (args: { readonly request: Request }) => Promise<Response>;
  /** Answers every other method. */
  readonly action: (args: { readonly request: Request }) => Promise<Response>;
}

/**
 * Turns a control plane into the exports of a resource route at `<its basePath>/*`. React Router's build takes out server exports one by
 * one and refuses a destructured export, so name each.
 *
 * @example
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { mock } from "atlas-compute/mock";
 * import { createControlPlane, sharedAtlas, toResourceRoute } from "atlas-compute/server";
 *
 * const plane = createControlPlane({
 *   atlas: sharedAtlas("main", () => createAtlas({ providers: [mock()] })),
 *   authorize: () => ({ userId: "ada" }),
 *   request: () => ({ image: "ghcr.io/me/server:1", ports: [8000] }),
 *   basePath: "/api/atlas",
 * });
 * const route = toResourceRoute(plane);
 * export const loader = route.loader;
 * export const action = route.action;
 * ```
 */
export function toResourceRoute(plane: Handler): ResourceRoute {
  const answer: ResourceRoute["loader"] = ({ request }) => plane(request);
  return { loader: answer, action: answer };
}
