import { createOperatorPage } from "atlas-compute/server";
import { atlas } from "../../../lib/atlas.ts";
import { currentUser } from "../../../lib/session.ts";

const page = createOperatorPage({
  atlas,
  authorize: async () => {
    const user = await currentUser();
    return user !== undefined && user === process.env.OPERATOR ? { operator: user, role: "act" } : null;
  },
  basePath: "/operator",
});

export { page as GET, page as POST };
