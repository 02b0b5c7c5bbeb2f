/** Routes of crons and of the application's other services, and the public health check. */
import * as z from "zod/mini";
import { field, parseFields } from "../internal/parse.ts";
import { json } from "./answer.ts";
import type { BodyRule } from "./body.ts";
import { rejected } from "./credentials.ts";
import type { RouteCall } from "./route.ts";

const VERIFY_FIELDS = { token: field(z.string(), "the token to look up, a string", { secret: true }) };

/** The token to look up. Any text is accepted, because a service passes on the header that it received. */
export const verifyBody: BodyRule<{ token: string }> = {
  maxBytes: 65_536,
  parse: (input) => parseFields("The body", VERIFY_FIELDS, input),
};

/** Finds the compute that a user's token opens now. A user's name belongs to its tenant, null for the application's own. @throws UNAUTHORIZED, the same for every token that opens none */
export async function verifyToken({
  plane,
  body,
}: RouteCall<"internal", { token: string }>): Promise<Response> {
  await plane.atlas.requireOwnership();
  const compute = await plane.atlas.findByToken(body.token);
  if (compute === undefined) throw rejected("token", "the token opens no compute");
  const { id: computeId, userId, tenantId, status } = compute;
  return json(200, { computeId, userId, tenantId, status });
}

/** Runs one bounded pass of the reaper. */
export async function reap({ plane }: RouteCall<"internal">): Promise<Response> {
  return json(200, await plane.atlas.reap());
}

/** Reports that this process serves requests. It does not ask the store, because a pod must not end itself when a database is down. */
export async function showHealth(_call: RouteCall<"public">): Promise<Response> {
  return json(200, { status: "ok" });
}
