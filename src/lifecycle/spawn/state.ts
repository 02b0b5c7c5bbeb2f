/** The state of one spawn, its result, and the ends that its steps share. */
import { AtlasError, isAtlasError, withFacts } from "../../errors.ts";
import type { Instance, Provider } from "../../provider.ts";
import type { ParsedRequest } from "../../request.ts";
import type { ComputeRecord, NewEvent } from "../../store.ts";
import type { Context, Report } from "../context.ts";
import { messageOf } from "../failures.ts";
import { endedPatch } from "../record/patch.ts";
import { writeBack } from "../record/write-back.ts";
import type { ComputeSecrets } from "./secrets.ts";

/** A compute that was spawned. It has no secrets when an earlier call spawned it. */
export interface Spawned {
  /** False when an earlier call under the same idempotency key spawned it. */
  readonly isNew: boolean;
  readonly record: ComputeRecord;
  readonly secrets: ComputeSecrets;
  /** Makes a copy of the provider's answer without the compute's secrets; absent when an earlier call spawned the compute. */
  readonly raw: (() => unknown) | undefined;
}

/** One spawn under way. */
export interface SpawnState {
  readonly context: Context;
  readonly request: ParsedRequest;
  readonly requestHash: string;
  /** Id of the compute. */
  readonly id: string;
  readonly secrets: ComputeSecrets;
  /** The store's own id, the owner tag of the instance. */
  readonly owner: string;
  readonly signal: AbortSignal | undefined;
  readonly report: Report;
}

/** The texts of a spawn that a provider may quote, and that neither an error nor an answer may show. */
export function secretTexts({ request: { env }, secrets }: SpawnState): readonly string[] {
  return [...Object.values(env), ...Object.values(secrets)];
}

/**
 * Marks the compute as failed, frees its idempotency key, because nothing was created under it, and returns the reason, to be thrown. A store that is down does not hide the reason: the reaper settles
 * the record later.
 */
export async function markFailed<Reason>(
  state: SpawnState,
  reason: Reason,
  data: NewEvent["data"] = {},
): Promise<Reason> {
  const { context, id } = state;
  const lastError = isAtlasError(reason) ? reason.message : "aborted";
  try {
    await writeBack(context, id, ({ status }, now) =>
      status === "pending"
        ? {
            patch: { ...endedPatch("failed", "failed", now), lastError, idempotencyKey: null },
            event: { type: "state", data: { ...(isAtlasError(reason) && { code: reason.code }), ...data } },
          }
        : undefined,
    );
  } catch (error) {
    const facts = { computeId: id, error: messageOf(error) };
    context.logger.error(`compute ${id} could not be marked as failed`, facts);
  }
  return reason;
}

/** The error of a spawn whose compute was ended before its instance was there. */
export function endedMeanwhile({ id, status }: ComputeRecord): AtlasError {
  return new AtlasError("CONFLICT", `compute ${id} was ended while it was being created; it is ${status}`, {
    computeId: id,
  });
}

/** The error of a write that failed while an instance may exist: it names the provider and, where known, the instance. */
export function withTrace(error: unknown, { name: provider }: Provider, instance?: Instance): unknown {
  const facts = { provider, providerId: instance?.providerId, mayHaveCreated: true };
  return isAtlasError(error) ? withFacts(error, facts) : error;
}
