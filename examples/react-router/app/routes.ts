import { index, type RouteConfig, route } from "@react-router/dev/routes";

export default [
  index("home.tsx"),
  route("api/atlas/*", "atlas.ts"),
  route("operator/*", "operator.ts"),
] satisfies RouteConfig;
