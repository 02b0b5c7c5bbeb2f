import { type AtlasError, type CandidateRefusal, isAtlasError, withFacts } from "../../errors.ts";
import { newComputeId } from "../../internal/names.ts";
import { callable, signalField } from "../../internal/option-fields.ts";
import { field, optional, parseFields } from "../../internal/parse.ts";
import { traced } from "../../internal/telemetry.ts";
import { type ParsedRequest, parseRequest } from "../../request.ts";
import type { ComputeRecord } from "../../store.ts";
import { isCleanRefusal } from "../call.ts";
import type { Context, Progress } from "../context.ts";
import { reporter } from "../progress.ts";
import { changeRecord, stateEvent, tell } from "../record/change.ts";
import { collectPlacements, nowhere, type Placement, type Placements, toRefusal } from "./candidates.ts";
import { createOn, endedMeanwhile, failed, type Spawned, type Walk } from "./create.ts";
import { fingerprint, newIntent, placedPatch, sameRequest } from "./intent.ts";
import { mintSecrets } from "./secrets.ts";

/** Options of a spawn beside the request. */
export interface SpawnOptions {
  /** Gives up. A create that was under way is then `uncertain`, and ended by the reaper when it turns up. */
  readonly signal?: AbortSignal | undefined;
  /** Hears how far it has got. What it throws is logged. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

const FIELDS = {
  signal: signalField,
  onProgress: optional(field(callable<(progress: Progress) => void>(), "a function")),
};

/** Spawns a compute. See `Atlas.spawnCompute` for what it throws. */
export function spawn(context: Context, input: unknown, options: SpawnOptions = {}): Promise<Spawned> {
  return traced({ name: "spawn", labels: {} }, () => spawnOnce(context, input, options));
}

async function spawnOnce(context: Context, input: unknown, options: SpawnOptions): Promise<Spawned> {
  const { signal, onProgress } = parseFields("The options of spawnCompute", FIELDS, options);
  const request = parseRequest(input);
  signal?.throwIfAborted();
  const owner = await context.store.identity();
  const requestHash = fingerprint(owner, request);
  const earlier = await findEarlier(context, request, requestHash);
  if (earlier !== undefined) return repeated(earlier);
  const report = reporter(context, onProgress);
  report("placing", "looking for a place");
  const found = await collectPlacements(context, request, signal).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
  const id = newComputeId();
  const secrets = mintSecrets(request.auth, id, context);
  return place({ context, request, requestHash, id, secrets, owner, signal, report }, found);
}

function repeated(record: ComputeRecord): Spawned {
  return { record, secrets: {}, raw: undefined, isNew: false };
}

async function findEarlier(
  { store, namespace }: Context,
  { idempotencyKey }: ParsedRequest,
  requestHash: string,
): Promise<ComputeRecord | undefined> {
  if (idempotencyKey === null) return undefined;
  const earlier = await store.getByIdempotencyKey(namespace, idempotencyKey);
  return earlier && sameRequest(earlier.record, requestHash);
}

/** Tries one placement after the other until one takes the compute. The first that the limits allow is written down before anyone is asked. */
async function place(walk: Walk, { placements, refusals }: Placements): Promise<Spawned> {
  const { id, requestHash } = walk;
  const refused: CandidateRefusal[] = [...refusals];
  let record: ComputeRecord | undefined;
  let limited: AtlasError | undefined;
  for (const placement of placements) {
    try {
      const placed =
        record === undefined ? await writeIntent(walk, placement) : await moveTo(walk, placement);
      if (placed.id !== id) return repeated(sameRequest(placed, requestHash));
      record = placed;
      return await createOn(walk, record, placement);
    } catch (error) {
      if (!isAtlasError(error)) throw error;
      if (!goesOn(error)) throw record === undefined ? error : withFacts(error, { computeId: id });
      if (record === undefined) limited ??= error;
      refused.push(toRefusal(placement.provider, placement.candidate, error));
    }
  }
  if (record === undefined) throw withFacts(limited ?? nowhere(refused), { candidates: refused });
  throw await failed(walk, withFacts(nowhere(refused), { computeId: id }));
}

/** Whether another candidate may do better: one that is free, or one that costs less. */
function goesOn(error: AtlasError): boolean {
  const { code, details } = error;
  return isCleanRefusal(error) || (code === "LIMIT_EXCEEDED" && String(details?.limit).startsWith("cost"));
}

/** Records the compute on its first candidate. @returns the record of an earlier call under the same key, if there is one */
async function writeIntent(walk: Walk, first: Placement): Promise<ComputeRecord> {
  const { context } = walk;
  const { store, limits } = context;
  const intent = newIntent(context, { ...walk, first, now: await store.now() });
  const event = stateEvent(intent);
  const earlier = await store.insert(intent, event, limits);
  if (earlier !== undefined) return earlier;
  tell(context, intent, event);
  return intent;
}

async function moveTo({ context, id }: Walk, placement: Placement): Promise<ComputeRecord> {
  const event = {
    type: "note",
    data: { candidate: placement.candidate.region ?? placement.provider.name },
  } as const;
  return changeRecord(
    context,
    id,
    (record, now) => {
      if (record.status !== "pending") throw endedMeanwhile(record);
      return { patch: placedPatch(context, placement, now), event };
    },
    context.limits,
  );
}
