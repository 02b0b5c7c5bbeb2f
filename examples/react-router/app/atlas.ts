import { toResourceRoute } from "atlas-compute/server";
import { plane } from "./lib/atlas.server.ts";

const route = toResourceRoute(plane);
// React Router looks for each export by its name: destructured ones do not build.
export const loader = route.loader;
export const action = route.action;
