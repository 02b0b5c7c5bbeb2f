import { createOperatorPage } from "atlas-compute/server";
import type { Route } from "./+types/operator.ts";
import { atlas } from "./lib/atlas.server.ts";
import { userOf } from "./lib/session.server.ts";

const page = createOperatorPage({
  atlas,
  authorize: async (request) => {
    const user = await userOf(request);
    return user !== undefined && user === process.env.OPERATOR ? { operator: user, role: "act" } : null;
  },
  basePath: "/operator",
});

export const loader = ({ request }: Route.LoaderArgs) => page(request);
export const action = ({ request }: Route.ActionArgs) => page(request);
