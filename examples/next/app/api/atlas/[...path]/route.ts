import { toNextRoutes } from "atlas-compute/server";
import { plane } from "../../../../lib/atlas.ts";

export const { GET, POST, PUT, DELETE, OPTIONS } = toNextRoutes(plane);
