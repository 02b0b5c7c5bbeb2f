/** The operator behind a request, and the rights of a role. No other module decides about them. */
import { AtlasError } from "../errors.ts";
import { refuseForgery } from "../server/origins.ts";
import type { Desk, Operator, OperatorRole } from "./options.ts";

const OWN_PAGES = { origins: new Set<string>(), advice: "Act from this page itself, not from another site." };

/**
 * Returns the operator of a request that needs this role. A change also has to come from this page.
 * @throws UNAUTHORIZED, FORBIDDEN, UNAVAILABLE when `authorize` failed
 */
export async function admit(desk: Desk, request: Request, needed: OperatorRole): Promise<Operator> {
  const operator = await askApplication(desk, request);
  refuseForgery(OWN_PAGES, request);
  await desk.hosts.refuseForeign(request);
  if (needed === "act" && operator.role !== "act")
    throw new AtlasError(
      "FORBIDDEN",
      `${operator.operator} may look at computes and not change them: the role has to be "act", and authorize returned "view".`,
    );
  return operator;
}

async function askApplication(desk: Desk, request: Request): Promise<Operator> {
  const operator = await tried(desk, () => desk.authorize(request));
  if (operator === null || operator === undefined)
    throw new AtlasError(
      "UNAUTHORIZED",
      "Sign in to the application as an operator, and load this page again.",
    );
  if (isOperator(operator)) return operator;
  return tried(desk, () => {
    throw new TypeError(
      'authorize returned no operator: it needs operator, of 1 to 200 characters, and role, "view" or "act"',
    );
  });
}

/** Calls the application's function. Its failure lets no request in, and its words stay in the log. */
async function tried<Result>({ logger }: Desk, call: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    logger?.error("authorize of the operator page failed", {
      error: error instanceof Error ? error.stack : "not an Error",
    });
    throw new AtlasError("UNAVAILABLE", "The application could not tell the operator. Its log says why.");
  }
}

function isOperator({ operator, role }: Partial<Operator>): boolean {
  return (
    typeof operator === "string" && /^\P{Cc}{1,200}$/u.test(operator) && (role === "view" || role === "act")
  );
}
