/** Spawning: a row first, then one candidate after the other until one takes the compute. */
import { type AtlasError, type CandidateRefusal, isAtlasError, withFacts } from "../errors.ts";
import { newComputeId } from "../internal/names.ts";
import { traced } from "../internal/telemetry.ts";
import { type ParsedRequest, parseRequest } from "../request.ts";
import type { ComputeRecord } from "../store.ts";
import { isCleanRefusal } from "./call.ts";
import { collectPlacements, nowhere, type Placement, type Placements, toRefusal } from "./candidates.ts";
import { changeRecord, eventOf, tell } from "./change.ts";
import { createOn, endedMeanwhile, failed, type Spawned, type Walk } from "./create.ts";
import type { Environment, Progress } from "./environment.ts";
import { fingerprint, newIntent, placedPatch, sameRequest } from "./intent.ts";
import { reporter } from "./progress.ts";
import { mintSecrets } from "./secrets.ts";

/** Options of a spawn beside the request. */
export interface SpawnOptions {
  /** Gives up. A create that was under way is then `uncertain`, and ended by the reaper when it turns up. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Spawns a compute. See `Atlas.spawnCompute` for what it throws. */
export function spawn(
  environment: Environment,
  input: unknown,
  options: SpawnOptions = {},
): Promise<Spawned> {
  return traced({ name: "spawn", labels: {} }, () => spawnOnce(environment, input, options));
}

async function spawnOnce(environment: Environment, input: unknown, options: SpawnOptions): Promise<Spawned> {
  const request = parseRequest(input);
  const { signal } = options;
  signal?.throwIfAborted();
  const owner = await environment.store.identity();
  const requestHash = fingerprint(owner, request);
  const earlier = await findEarlier(environment, request, requestHash);
  if (earlier !== undefined) return repeated(earlier);
  const report = reporter(environment, options.onProgress);
  report("placing", "looking for a place");
  const found = await collectPlacements(environment, request, signal);
  signal?.throwIfAborted();
  const id = newComputeId();
  const secrets = mintSecrets(request.auth, id, environment);
  const walk: Walk = { environment, request, secrets, owner, signal, report };
  const intent = await writeIntent(walk, id, requestHash, found);
  if (intent.id !== id) return repeated(sameRequest(intent, requestHash));
  return place(walk, intent, found);
}

function repeated(record: ComputeRecord): Spawned {
  return { record, secrets: {}, raw: undefined };
}

async function findEarlier(
  { store, namespace }: Environment,
  { idempotencyKey }: ParsedRequest,
  requestHash: string,
): Promise<ComputeRecord | undefined> {
  if (idempotencyKey === null) return undefined;
  const earlier = await store.getByIdempotencyKey(namespace, idempotencyKey);
  return earlier && sameRequest(earlier.record, requestHash);
}

async function writeIntent(
  { environment, request, secrets }: Walk,
  id: string,
  requestHash: string,
  { placements: [first] }: Placements,
): Promise<ComputeRecord> {
  if (first === undefined) throw nowhere([]);
  const { store, limits } = environment;
  const intent = newIntent(environment, { id, now: await store.now(), request, requestHash, first, secrets });
  const event = eventOf(undefined, intent, { patch: {} });
  const earlier = event && (await store.insert(intent, event, limits));
  if (earlier !== undefined) return earlier;
  tell(environment, intent, event);
  return intent;
}

/** Tries one placement after the other until one takes the compute. */
async function place(
  walk: Walk,
  intent: ComputeRecord,
  { placements, refusals }: Placements,
): Promise<Spawned> {
  const refused: CandidateRefusal[] = [...refusals];
  for (const [index, placement] of placements.entries()) {
    try {
      const record = index === 0 ? intent : await moveTo(walk, intent.id, placement);
      return await createOn(walk, record, placement);
    } catch (error) {
      if (!isAtlasError(error) || !goesOn(error)) throw error;
      refused.push(toRefusal(placement.provider, placement.candidate, error));
    }
  }
  throw await failed(walk, intent.id, withFacts(nowhere(refused), { computeId: intent.id }));
}

function goesOn(error: AtlasError): boolean {
  return isCleanRefusal(error) || error.code === "LIMIT_EXCEEDED";
}

async function moveTo({ environment }: Walk, id: string, placement: Placement): Promise<ComputeRecord> {
  const event = {
    type: "note",
    data: { candidate: placement.candidate.region ?? placement.provider.name },
  } as const;
  return changeRecord(
    environment,
    id,
    (record, now) => {
      if (record.status !== "pending") throw endedMeanwhile(record);
      return { patch: placedPatch(environment, placement, now), event };
    },
    environment.limits,
  );
}
