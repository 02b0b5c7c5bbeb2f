/** One create, and what follows when it does not say what became of it. */
import { AtlasError, isAtlasError, withFacts } from "../../errors.ts";
import { redact } from "../../internal/redact.ts";
import type { CreateRequest, Instance, Provider } from "../../provider.ts";
import type { ParsedRequest } from "../../request.ts";
import type { ComputeRecord } from "../../store.ts";
import { callProvider, isCleanRefusal, mayHaveCreated } from "../call.ts";
import type { Context } from "../context.ts";
import { endCompute } from "../end.ts";
import type { Report } from "../progress.ts";
import { reconcile } from "../reap/reconcile.ts";
import { after, type Change, changeRecord, endedPatch, isEnded, terminatingPatch } from "../record/change.ts";
import { observed } from "../record/observe.ts";
import type { Placement } from "./candidates.ts";
import { type ComputeSecrets, secretsEnv } from "./secrets.ts";

/** A compute that was spawned. Without secrets when an earlier call spawned it. */
export interface Spawned {
  /** False when an earlier call under the same idempotency key spawned it. */
  readonly isNew: boolean;
  readonly record: ComputeRecord;
  readonly secrets: ComputeSecrets;
  readonly raw: unknown;
}

/** One spawn under way. */
export interface Walk {
  readonly context: Context;
  readonly request: ParsedRequest;
  readonly requestHash: string;
  /** Of the compute. */
  readonly id: string;
  readonly secrets: ComputeSecrets;
  /** The store's own id. */
  readonly owner: string;
  readonly signal: AbortSignal | undefined;
  readonly report: Report;
}

/** Creates the instance. @throws a clean refusal for the walk to go on; anything else ends it, with the record in its right state. */
export async function createOn(walk: Walk, record: ComputeRecord, placement: Placement): Promise<Spawned> {
  const { context, signal } = walk;
  const { provider, candidate } = placement;
  if (signal?.aborted) throw await failed(walk, signal.reason);
  const where = [...new Set([provider.name, candidate.gpu, candidate.region])].filter(Boolean).join(" ");
  walk.report("creating", `creating on ${where}`, record);
  const request = createRequest(walk, record, placement);
  const secrets = [...Object.values(walk.request.env), ...Object.values(walk.secrets)];
  const timeoutSeconds = context.timing.createTimeoutSeconds;
  const call = { provider, operation: "create", signal, timeoutSeconds, secrets, computeId: record.id };
  let instance: Instance;
  try {
    instance = await callProvider(context, call, (callContext) => provider.create(request, callContext));
  } catch (error) {
    if (!isAtlasError(error) || isCleanRefusal(error)) throw error;
    if (!mayHaveCreated(error)) throw await failed(walk, error);
    instance = await settleUnknown(walk, record, placement, error);
  }
  return adopt(walk, placement, withoutSecrets(instance, secrets));
}

/** The provider's word on a failure is stored and shown: what it may have quoted of the env is not. */
function withoutSecrets(instance: Instance, secrets: readonly string[]): Instance {
  const { message } = instance;
  return message === undefined ? instance : { ...instance, message: redact(message, secrets) };
}

function createRequest(walk: Walk, record: ComputeRecord, { request, candidate }: Placement): CreateRequest {
  const { context, owner, secrets } = walk;
  const { lifetimeDeadline, id, name } = record;
  const env = {
    ...walk.request.env,
    ATLAS_COMPUTE_ID: id,
    ATLAS_OWNER: owner,
    ...(lifetimeDeadline === null ? {} : { ATLAS_DEADLINE: lifetimeDeadline.toISOString() }),
    ...(context.controlUrl === undefined ? {} : { ATLAS_CONTROL_URL: context.controlUrl }),
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
  const { context, signal } = walk;
  walk.report(
    "looking-up",
    `${provider.name} did not say whether it created the instance: looking it up`,
    record,
  );
  const instance = signal?.aborted ? undefined : await reconcile(context, record, provider, signal);
  if (instance !== undefined) return instance;
  const aborted = signal?.aborted === true;
  const uncertain = await changeRecord(context, record.id, ({ status }, now) =>
    status === "pending"
      ? {
          patch: {
            status: "uncertain",
            reason: aborted ? "requested" : null,
            lastError: error.message,
            checkAt: aborted ? now : after(now, context.timing.lookupSeconds),
          },
        }
      : undefined,
  ).catch((failure: unknown) => {
    throw withTrace(failure, provider);
  });
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
async function adopt(walk: Walk, { provider }: Placement, instance: Instance): Promise<Spawned> {
  const { context, id, secrets } = walk;
  const record = await changeRecord(context, id, (current, now) =>
    adopted(current, provider, instance, now),
  ).catch((error: unknown) => {
    throw withTrace(error, provider, instance);
  });
  if (record.status !== "terminating" && !isEnded(record.status)) {
    walk.report("provisioning", `${provider.name} created ${instance.providerId}`, record);
    return { record, secrets, raw: instance.raw, isNew: true };
  }
  const ended = await endCompute(context, record);
  const isBroken = instance.status === "failed" || instance.status === "terminated";
  throw isBroken ? bootFailed(ended, instance) : endedMeanwhile(ended);
}

/** What was ended while its create was under way begins its end again, now that there is an instance. */
function adopted(
  record: ComputeRecord,
  provider: Provider,
  instance: Instance,
  now: Date,
): Change | undefined {
  if (record.status !== "terminating" && !isEnded(record.status)) {
    const change = observed(record, instance, provider.bootTimeoutSeconds, now);
    return change && { ...change, patch: { ...change.patch, placedAt: now } };
  }
  const reason = record.reason ?? "abandoned";
  return {
    patch: {
      ...terminatingPatch(reason, now),
      providerId: instance.providerId,
      placedAt: now,
      endedAt: null,
      costSince: record.costSince ?? now,
    },
  };
}

/** The error of a write that failed while there may be an instance: it names what the reaper will look for. */
function withTrace(error: unknown, provider: Provider, instance?: Instance): unknown {
  const facts = { provider: provider.name, providerId: instance?.providerId, mayHaveCreated: true };
  return isAtlasError(error) ? withFacts(error, facts) : error;
}

function bootFailed({ id, provider }: ComputeRecord, { providerId, message }: Instance): AtlasError {
  const why = message ?? "it gave no reason";
  return new AtlasError("BOOT_FAILED", `${provider} could not boot compute ${id}: ${why}`, {
    provider,
    computeId: id,
    providerId,
  });
}

/** The error of a spawn whose compute somebody ended before it was there. */
export function endedMeanwhile({ id, status }: ComputeRecord): AtlasError {
  return new AtlasError("CONFLICT", `compute ${id} was ended while it was being created; it is ${status}`, {
    computeId: id,
  });
}

/** Marks the compute as failed and hands the error back. A store that is down must not hide why: the reaper settles the row. */
export async function failed<Reason>({ context, id }: Walk, reason: Reason): Promise<Reason> {
  try {
    await changeRecord(context, id, ({ status }, now) =>
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
    context.logger.error(`compute ${id} could not be marked as failed`, {
      computeId: id,
      error: message,
    });
  }
  return reason;
}
