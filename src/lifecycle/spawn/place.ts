/** The walk over the placements: records the compute, and tries one placement after the other. */
import { type AtlasError, type CandidateRefusal, isAtlasError, withFacts } from "../../errors.ts";
import { type ComputeRecord, isCostLimit, type NewEvent } from "../../store.ts";
import { isCleanRefusal } from "../failures.ts";
import { changeRecord } from "../record/change.ts";
import { stateEvent, tell } from "../record/events.ts";
import { adopt } from "./adopt.ts";
import type { Placement, Placements } from "./candidates.ts";
import { createInstance } from "./create.ts";
import { newIntent, placedPatch, repeated } from "./intent.ts";
import { noPlacementError, refusalOf } from "./refusals.ts";
import { endedMeanwhile, markFailed, type Spawned, type SpawnState } from "./state.ts";

type EventData = NewEvent["data"];

/** The number of refusals that one event tells at most. */
const MAX_IN_EVENT = 50;

/** The longest time from the moment that a record has as that of its create to the create. An absence is believed some time after that moment. */
const MAX_PLACING_SECONDS = 10;

/**
 * Tries the placements in order until one takes the compute. The record is written on the first one that the limits allow, before its
 * provider is called.
 */
export async function place(state: SpawnState, { placements, refusals }: Placements): Promise<Spawned> {
  const { id, requestHash } = state;
  const refused: CandidateRefusal[] = [...refusals];
  let recorded = 0;
  const unrecorded = (): { refused?: readonly CandidateRefusal[] } => {
    const news = refused.slice(recorded, recorded + MAX_IN_EVENT);
    return news.length === 0 ? {} : { refused: news };
  };
  let record: ComputeRecord | undefined;
  let limited: AtlasError | undefined;
  for (const placement of placements) {
    try {
      const begun = state.context.clock.now();
      const placed = await (record === undefined ? writeIntent : moveTo)(state, placement, unrecorded());
      recorded = refused.length;
      if (placed.id !== id) return repeated(placed, requestHash);
      record = await placedAnew(state, placement, placed, begun);
      const instance = await createInstance(state, record, placement);
      return await adopt(state, record, { instance, provider: placement.provider });
    } catch (error) {
      if (!isAtlasError(error)) throw error;
      if (!isCleanRefusal(error) && !isCostLimit(error))
        throw record === undefined ? error : withFacts(error, { computeId: id });
      limited ??= error;
      refused.push(refusalOf(placement.provider, placement.candidate, error));
    }
  }
  if (record === undefined) throw withFacts(limited ?? noPlacementError(refused), { candidates: refused });
  throw await markFailed(state, withFacts(noPlacementError(refused), { computeId: id }), unrecorded());
}

/** Records the compute on its first placement. @returns the record of an earlier call under the same key, if there is one */
async function writeIntent(state: SpawnState, first: Placement, data: EventData): Promise<ComputeRecord> {
  const { context } = state;
  const { store, limits } = context;
  const intent = newIntent(context, { ...state, first, now: await store.now() });
  const event = stateEvent(intent, data);
  const earlier = await store.insert(intent, event, limits);
  if (earlier !== undefined) return earlier;
  tell(context, intent, event);
  return intent;
}

/**
 * Records the placement again for as long as that took too long, because the store was slow or the process stood still: another process could believe
 * that nothing was created, and end the record before the create arrives.
 */
async function placedAnew(
  state: SpawnState,
  placement: Placement,
  placed: ComputeRecord,
  begun: Date,
): Promise<ComputeRecord> {
  const { clock } = state.context;
  let record = placed;
  let since = begun;
  while (clock.now().getTime() - since.getTime() > MAX_PLACING_SECONDS * 1000) {
    since = clock.now();
    record = await moveTo(state, placement, {});
  }
  return record;
}

/** Records that the compute is being created on a placement. */
async function moveTo(
  { context, id }: SpawnState,
  placement: Placement,
  refused: EventData,
): Promise<ComputeRecord> {
  const data = { candidate: placement.candidate.region ?? placement.provider.name, ...refused };
  return changeRecord(
    context,
    id,
    (record, now) => {
      if (record.status !== "pending") throw endedMeanwhile(record);
      return { patch: placedPatch(context, placement, now), event: { type: "note", data } };
    },
    { limits: context.limits },
  );
}
