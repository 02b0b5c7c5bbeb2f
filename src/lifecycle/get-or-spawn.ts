/** The live compute of a user's slot, or a new one, whatever else races for the slot. */
import * as z from "zod/mini";
import { AtlasError, isAtlasError } from "../errors.ts";
import { backoffSeconds } from "../internal/backoff.ts";
import { field, invalid, optional, parseFields } from "../internal/parse.ts";
import { pause } from "../internal/pause.ts";
import { parseRequest, type SpawnRequest } from "../request.ts";
import {
  type ComputeRecord,
  type ComputeStatus,
  isSlotTaken,
  type SlotKey,
  type Snapshot,
} from "../store.ts";
import type { Context } from "./context.ts";
import { endCompute } from "./end.ts";
import { isPast } from "./record/time.ts";
import { type SpawnOptions, spawn } from "./spawn/spawn.ts";
import type { Spawned } from "./spawn/state.ts";
import { addToken } from "./tokens.ts";

/** A request for the compute of a slot, as `getOrSpawn` takes it. */
export interface GetOrSpawnRequest extends Omit<SpawnRequest, "idempotencyKey"> {
  /** The user that it belongs to, by the application's own name. */
  readonly userId: string;
  /** The name of this one among the user's computes. @default "default" */
  readonly slot?: string | undefined;
  /** `"new"` gives a found compute one more token, which takes no other back. Without it, a found compute comes without a token. */
  readonly token?: "new" | undefined;
}

const TOKEN_FIELD = { token: optional(field(z.literal("new"), '"new"')) };

const PAUSE = { firstSeconds: 0.1, maxSeconds: 1, jitter: 0.5 };

/** States in which a compute is answered as it is. The others are waited for: they become one of these, or they end. */
const ANSWERED: ReadonlySet<ComputeStatus> = new Set(["provisioning", "running", "stopped"]);

/** Finds or spawns. See `Atlas.getOrSpawn` for what it throws. */
export async function getOrSpawn(
  context: Context,
  input: GetOrSpawnRequest,
  options: SpawnOptions = {},
): Promise<Spawned> {
  const { token: wish, ...given } = Object(input);
  const { token } = parseFields("The request", TOKEN_FIELD, wish === undefined ? {} : { token: wish });
  const request = { slot: "default", ...given };
  const key = slotOf(context, request);
  const end = context.clock.now().getTime() + context.timing.lookupSeconds * 1000;
  for (let tries = 0; ; tries += 1) {
    options.signal?.throwIfAborted();
    const found = await context.store.getBySlot(key);
    if (found === undefined) {
      const spawned = await spawnInto(context, request, options);
      if (spawned !== undefined) return spawned;
    } else if (ANSWERED.has(found.record.status)) return answer(context, found.record, token);
    else await helpToEnd(context, found);
    const left = (end - context.clock.now().getTime()) / 1000;
    if (left <= 0) throw stillBusy(key, found?.record);
    await pause(context.clock, Math.min(backoffSeconds(PAUSE, tries), left), options.signal);
  }
}

/** @throws VALIDATION for a request that no spawn could carry out, whether or not there is a compute */
function slotOf({ namespace, tenantId }: Context, request: unknown): SlotKey {
  const { userId, slot, idempotencyKey } = parseRequest(request);
  if (idempotencyKey !== null)
    throw invalid("The request of getOrSpawn", [
      { field: "idempotencyKey", received: "a key", allowed: "nothing: the slot tells repeated calls apart" },
    ]);
  if (userId !== null && slot !== null) return { namespace, tenantId, userId, slot };
  throw invalid("The request of getOrSpawn", [
    { field: userId === null ? "userId" : "slot", received: "nothing", allowed: "a string" },
  ]);
}

/** Spawns into the slot; `undefined` when another caller took it first. */
async function spawnInto(
  context: Context,
  request: unknown,
  options: SpawnOptions,
): Promise<Spawned | undefined> {
  try {
    return await spawn(context, request, options);
  } catch (error) {
    if (isAtlasError(error) && isSlotTaken(error)) return undefined;
    throw error;
  }
}

/** Carries out the end of a compute in the way, when a try at it is due: the application may run no reaper. */
async function helpToEnd(context: Context, { record, now }: Snapshot): Promise<void> {
  const isDue = record.checkAt === null || isPast(record.checkAt, now);
  if (record.status === "terminating" && isDue) await endCompute(context, record);
}

async function answer(context: Context, found: ComputeRecord, token: "new" | undefined): Promise<Spawned> {
  if (token === undefined || !found.authSchemes.includes("bearer"))
    return { record: found, secrets: {}, raw: undefined, isNew: false };
  const { token: added, record } = await addToken(context, found.id);
  return { record, secrets: { token: added }, raw: undefined, isNew: false };
}

/** The error after the whole wait: the slot's compute neither became usable nor ended. */
function stillBusy({ slot, userId }: SlotKey, record: ComputeRecord | undefined): AtlasError {
  const whose = `slot "${slot}" of user "${userId}"`;
  if (record === undefined)
    return new AtlasError("CONFLICT", `other callers kept taking ${whose}: call again`, { retryable: true });
  const { id: computeId, status, provider } = record;
  if (status === "terminating")
    return new AtlasError("CONFLICT", `compute ${computeId} in ${whose} is still ending: call again`, {
      ...{ computeId, provider, retryable: true },
    });
  return new AtlasError(
    "UNCERTAIN",
    `compute ${computeId} in ${whose} is still ${status}: ${provider} has not said whether it exists. Call again, or terminate it`,
    { computeId, provider, mayHaveCreated: true },
  );
}
