/** What crons and the application's other services call, and what everybody may ask. */
import * as z from "zod/mini";
import { field, parseFields } from "../internal/parse.ts";
import { json } from "./answer.ts";
import type { BodyRule } from "./body.ts";
import { rejected } from "./credentials.ts";
import type { Call } from "./route.ts";

const VERIFY_FIELDS = { token: field(z.string(), "the token to look up, a string", { secret: true }) };

/** The token to look up. Any text is a fair question: what came in a header of any size is only ever a token, or none. */
export const verifyBody: BodyRule<{ token: string }> = {
  maxBytes: 65_536,
  parse: (input) => parseFields("The body", VERIFY_FIELDS, input),
};

/** Whose compute a user's token opens now. @throws UNAUTHORIZED, the same for every token that opens none */
export async function verifyToken({ plane, body }: Call<"internal", { token: string }>): Promise<Response> {
  const compute = await plane.atlas.findByToken(body.token);
  if (compute === undefined) throw rejected("token", "the token opens no compute");
  const { id: computeId, userId, status } = compute;
  return json(200, { computeId, userId, status });
}

/** Does one bounded pass. */
export async function reap({ plane }: Call<"internal">): Promise<Response> {
  return json(200, await plane.atlas.reap());
}

/** Says that somebody is there. The store is not asked: a pod must not end itself because a database is down. */
export async function showHealth(_call: Call<"public">): Promise<Response> {
  return json(200, { status: "ok" });
}
