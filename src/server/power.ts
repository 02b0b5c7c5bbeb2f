/** Routes of a signed-in user that move the ends of a compute, or stop and start it. */

import * as z from "zod/mini";
import type { Compute } from "../compute.ts";
import { field, parseFields } from "../internal/parse.ts";
import { json } from "./answer.ts";
import type { BodyRule } from "./body.ts";
import { ownCompute } from "./computes.ts";
import type { RouteCall } from "./route.ts";

type UserCall<Body = undefined> = RouteCall<"user", Body>;

const EXTEND_FIELDS = { seconds: field(z.int().check(z.minimum(1)), "a whole number of seconds from 1") };

/** The seconds to extend by. */
export const extendBody: BodyRule<{ seconds: number }> = {
  maxBytes: 1024,
  parse: (input) => parseFields("The body", EXTEND_FIELDS, input),
};

/** Moves the planned ends of a compute away, as far as its request allows. */
export async function extendCompute(call: UserCall<{ seconds: number }>): Promise<Response> {
  const { id } = await ownCompute(call);
  return snapshot(await call.plane.atlas.extend(id, { seconds: call.body.seconds }));
}

/** Stops a compute, whose disk stays. */
export async function stopCompute(call: UserCall): Promise<Response> {
  const { id } = await ownCompute(call);
  return snapshot(await call.plane.atlas.stop(id));
}

/** Starts a stopped compute. */
export async function startCompute(call: UserCall): Promise<Response> {
  const { id } = await ownCompute(call);
  return snapshot(await call.plane.atlas.start(id));
}

function snapshot(compute: Compute): Response {
  return json(200, compute.snapshot());
}
