/** Spawning: a row, a create, a write back; and what follows when the create does not say what became of it. */
import { AtlasError, type CandidateRefusal, isAtlasError, withFacts } from "../errors.ts";
import { newComputeId } from "../internal/names.ts";
import type { CreateRequest, Instance, Provider } from "../provider.ts";
import { type ParsedRequest, parseRequest } from "../request.ts";
import type { ComputeRecord } from "../store.ts";
import { callProvider, isCleanRefusal, mayHaveCreated } from "./call.ts";
import { collectPlacements, nowhere, type Placement, type Placements, toRefusal } from "./candidates.ts";
import { after, type Change, changeRecord, endedPatch, eventOf, tell, terminatingPatch } from "./change.ts";
import type { Environment, Phase, Progress } from "./environment.ts";
import { fingerprint, newIntent, placedPatch, sameRequest } from "./intent.ts";
import { observed } from "./observe.ts";
import { reconcile } from "./reconcile.ts";
import { type ComputeSecrets, mintSecrets, secretsEnv } from "./secrets.ts";
import { endCompute } from "./terminate.ts";

/** Options of a spawn beside the request. */
export interface SpawnOptions {
  /** Gives up. A create that was under way is then `uncertain`, and ended by the reaper when it turns up. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** A compute that was spawned. Without secrets when an earlier call spawned it. */
export interface Spawned {
  readonly record: ComputeRecord;
  readonly secrets: ComputeSecrets;
  readonly raw: unknown;
}

/** One spawn under way. */
interface Walk {
  readonly environment: Environment;
  readonly request: ParsedRequest;
  readonly secrets: ComputeSecrets;
  readonly owner: string;
  readonly signal: AbortSignal | undefined;
  readonly report: (phase: Phase, message: string, record?: ComputeRecord) => void;
}

/** Spawns a compute. See `Atlas.spawnCompute` for what it throws. */
export async function spawn(
  environment: Environment,
  input: unknown,
  options: SpawnOptions = {},
): Promise<Spawned> {
  const request = parseRequest(input);
  const { signal } = options;
  signal?.throwIfAborted();
  const owner = await environment.store.identity();
  const requestHash = fingerprint(owner, request);
  const earlier = await findEarlier(environment, request, requestHash);
  if (earlier !== undefined) return repeated(earlier);
  const report = reporter(environment, options);
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

function reporter({ clock }: Environment, { onProgress }: SpawnOptions): Walk["report"] {
  const begin = clock.now().getTime();
  return (phase, message, record) =>
    onProgress?.({
      phase,
      message,
      elapsedSeconds: (clock.now().getTime() - begin) / 1000,
      ...(record === undefined ? {} : { computeId: record.id, provider: record.provider }),
    });
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
  throw await failed(walk, intent.id, nowhere(refused));
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

/** Creates the instance. @throws a clean refusal for the walk to go on; anything else ends it, with the record in its right state. */
async function createOn(walk: Walk, record: ComputeRecord, placement: Placement): Promise<Spawned> {
  const { environment, signal } = walk;
  const { provider, candidate } = placement;
  if (signal?.aborted) throw await failed(walk, record.id, signal.reason);
  walk.report(
    "creating",
    `creating on ${[provider.name, candidate.gpu, candidate.region].filter(Boolean).join(" ")}`,
    record,
  );
  const request = createRequest(walk, record, placement);
  const secrets = Object.values(request.env);
  const timeoutSeconds = environment.timing.createTimeoutSeconds;
  const call = { provider, operation: "create", signal, timeoutSeconds, secrets, computeId: record.id };
  let instance: Instance;
  try {
    instance = await callProvider(environment, call, (context) => provider.create(request, context));
  } catch (error) {
    if (!isAtlasError(error) || isCleanRefusal(error)) throw error;
    if (!mayHaveCreated(error))
      throw await failed(walk, record.id, withFacts(error, { computeId: record.id }));
    instance = await settleUnknown(walk, record, placement, error);
  }
  return adopt(walk, record, placement, instance);
}

function createRequest(walk: Walk, record: ComputeRecord, { request, candidate }: Placement): CreateRequest {
  const { environment, owner, secrets } = walk;
  const { lifetimeDeadline, id, name } = record;
  const env = {
    ...walk.request.env,
    ATLAS_COMPUTE_ID: id,
    ATLAS_OWNER: owner,
    ...(lifetimeDeadline === null ? {} : { ATLAS_DEADLINE: lifetimeDeadline.toISOString() }),
    ...(environment.controlUrl === undefined ? {} : { ATLAS_CONTROL_URL: environment.controlUrl }),
    ...secretsEnv(secrets),
  };
  return { ...request, candidate, name, owner, env };
}

/** Looks for the instance of a create whose outcome is unknown. @throws UNCERTAIN when it does not turn up in time. */
async function settleUnknown(
  walk: Walk,
  record: ComputeRecord,
  { provider }: Placement,
  error: AtlasError,
): Promise<Instance> {
  const { environment, signal } = walk;
  walk.report(
    "looking-up",
    `${provider.name} did not say whether it created the instance: looking it up`,
    record,
  );
  const instance = signal?.aborted ? undefined : await reconcile(environment, record, provider, signal);
  if (instance !== undefined) return instance;
  const aborted = signal?.aborted === true;
  const uncertain = await changeRecord(environment, record.id, ({ status }, now) =>
    status === "pending"
      ? {
          patch: {
            status: "uncertain",
            reason: aborted ? "requested" : null,
            lastError: error.message,
            checkAt: aborted ? now : after(now, environment.timing.lookupSeconds),
          },
        }
      : undefined,
  );
  const next =
    uncertain.status === "uncertain"
      ? "it stays recorded and the reaper keeps looking"
      : `it is ${uncertain.status}`;
  throw new AtlasError(
    "UNCERTAIN",
    `${provider.name} may have created compute ${record.id} (${error.message}); ${next}: do not spawn again before it is settled`,
    { ...factsOf(error), provider: provider.name, computeId: record.id, mayHaveCreated: true, cause: error },
  );
}

function factsOf({ status, requestId }: AtlasError): {
  status: number | undefined;
  requestId: string | undefined;
} {
  return { status, requestId };
}

/** Writes back what was created. An instance whose compute was ended meanwhile is ended too. */
async function adopt(
  walk: Walk,
  { id }: ComputeRecord,
  { provider }: Placement,
  instance: Instance,
): Promise<Spawned> {
  const { environment, secrets } = walk;
  const record = await changeRecord(environment, id, (current, now) =>
    adopted(current, provider, instance, now),
  ).catch((error: unknown) => {
    throw isAtlasError(error)
      ? withFacts(error, { computeId: id, providerId: instance.providerId, mayHaveCreated: true })
      : error;
  });
  if (record.status !== "terminating") {
    walk.report("provisioning", `${provider.name} created ${instance.providerId}`, record);
    return { record, secrets, raw: instance.raw };
  }
  const ended = await endCompute(environment, record);
  throw instance.status === "failed" ? bootFailed(ended, instance) : endedMeanwhile(ended);
}

/** What was ended while its create was under way begins its end again, now that there is an instance. */
function adopted(
  record: ComputeRecord,
  provider: Provider,
  instance: Instance,
  now: Date,
): Change | undefined {
  if (record.status === "pending") return observed(record, instance, provider.bootTimeoutSeconds, now);
  const reason = record.reason ?? "abandoned";
  return {
    patch: {
      ...terminatingPatch(reason, now),
      providerId: instance.providerId,
      endedAt: null,
      costSince: record.costSince ?? now,
    },
  };
}

function bootFailed({ id, provider }: ComputeRecord, { providerId, message }: Instance): AtlasError {
  const why = message ?? "it gave no reason";
  return new AtlasError("BOOT_FAILED", `${provider} could not boot compute ${id}: ${why}`, {
    provider,
    computeId: id,
    providerId,
  });
}

function endedMeanwhile({ id, status }: ComputeRecord): AtlasError {
  return new AtlasError("CONFLICT", `compute ${id} was ended while it was being created; it is ${status}`, {
    computeId: id,
  });
}

/** Marks the compute as failed and hands the error back. A store that is down must not hide why: the reaper settles the row. */
async function failed<Reason>({ environment }: Walk, id: string, reason: Reason): Promise<Reason> {
  try {
    await changeRecord(environment, id, ({ status }, now) =>
      status === "pending"
        ? {
            patch: {
              ...endedPatch("failed", "failed", now),
              lastError: isAtlasError(reason) ? reason.message : "aborted",
            },
          }
        : undefined,
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : "unknown";
    environment.logger.error(`compute ${id} could not be marked as failed`, {
      computeId: id,
      error: message,
    });
  }
  return reason;
}
