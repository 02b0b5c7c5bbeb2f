/** Routes of a user's slots. */
import { AtlasError } from "../errors.ts";
import { parseFields } from "../internal/parse.ts";
import { slotField } from "../request-fields.ts";
import { liveStatuses } from "../store.ts";
import { json } from "./answer.ts";
import { placed, requestOf, spawned, type UserCall } from "./computes.ts";

/** Answers the user's live compute of the slot, or spawns it: the response is 201 then, and has the token. */
export async function putSlot(call: UserCall<unknown>): Promise<Response> {
  const slot = slotOf(call);
  const { idempotencyKey: _, ...request } = await requestOf(call);
  const { userId } = call.identity;
  const compute = await placed(call.plane, call.plane.atlas.getOrSpawn({ ...request, userId, slot }));
  return spawned(compute, `../computes/${compute.id}`);
}

/** Shows the user's live compute of the slot. @throws NOT_FOUND when there is none */
export async function showSlot(call: UserCall): Promise<Response> {
  const { plane, identity } = call;
  const slot = slotOf(call);
  const page = plane.atlas.listComputes({ userId: identity.userId, slot, status: liveStatuses, limit: 1 });
  const [compute] = (await page).computes;
  if (compute === undefined)
    throw new AtlasError("NOT_FOUND", `no compute is live in slot "${slot}": PUT a wish to spawn one`);
  return json(200, { ...compute.snapshot(), reports: compute.reports });
}

/** The slot that the path names. @throws VALIDATION */
function slotOf({ id }: UserCall<unknown>): string {
  return parseFields("The path", { slot: slotField }, { slot: id }).slot ?? "";
}
