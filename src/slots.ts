/** Slots: the names of a user's computes, of which one live compute at a time holds each. */
import { type ComputeRecord, isLive } from "./compute-record.ts";
import { AtlasError } from "./errors.ts";

/** The holder of a slot: of a user's live computes, the one with this name. */
export interface SlotKey {
  readonly namespace: string;
  readonly tenantId: string | null;
  readonly userId: string;
  readonly slot: string;
}

/** The slot that a record holds; `undefined` when it has none, or has ended. */
export function slotKeyOf(record: ComputeRecord): SlotKey | undefined {
  const { namespace, tenantId, userId, slot } = record;
  return userId === null || slot === null || !isLive(record.status)
    ? undefined
    : { namespace, tenantId, userId, slot };
}

/** Builds the error for a record whose slot another live compute holds. `computeId` is the holder's. */
export function slotTaken({ userId, slot }: ComputeRecord, holderId: string): AtlasError {
  return new AtlasError(
    "CONFLICT",
    `slot "${slot}" of user "${userId}" is held by compute ${holderId}: terminate it first, use another slot, or call getOrSpawn to get it`,
    { computeId: holderId, details: { slot } },
  );
}

/** True for an error of {@link slotTaken}. */
export function isSlotTaken({ code, details }: AtlasError): boolean {
  return code === "CONFLICT" && details?.slot !== undefined;
}
