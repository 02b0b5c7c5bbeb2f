/** Writing back what a create made. */
import { AtlasError } from "../../errors.ts";
import { redactDeep } from "../../internal/redact.ts";
import type { Instance, Provider } from "../../provider.ts";
import type { ComputeRecord } from "../../store.ts";
import { endCompute } from "../end.ts";
import { hasBegunToEnd, isEnded } from "../record/facts.ts";
import { observed } from "../record/observe.ts";
import { type RecordChange, terminatingPatch } from "../record/patch.ts";
import {
  endedMeanwhile,
  type Spawned,
  type SpawnState,
  secretTexts,
  withTrace,
  writeOutcome,
} from "./state.ts";

/**
 * Stores the instance in the record. Ends the instance when it failed to boot, or when its compute was ended meanwhile.
 * @throws BOOT_FAILED, CONFLICT in these two cases
 */
export async function adopt(state: SpawnState, provider: Provider, instance: Instance): Promise<Spawned> {
  const { context, secrets } = state;
  const record = await writeOutcome(state, (current, now) =>
    adoption(current, provider, instance, now),
  ).catch((error: unknown) => {
    throw withTrace(error, provider, instance);
  });
  if (!hasBegunToEnd(record.status)) {
    state.report("provisioning", `${provider.name} created ${instance.providerId}`, record);
    return { record, secrets, raw: () => redactDeep(instance.raw, secretTexts(state)), isNew: true };
  }
  const ended = await endCompute(context, record);
  const isBroken = instance.status === "failed" || instance.status === "terminated";
  throw isBroken ? bootFailedError(ended, instance) : endedMeanwhile(ended);
}

/** The change that an instance makes to its record. An end that came meanwhile begins again, because now there is an instance. */
function adoption(
  record: ComputeRecord,
  provider: Provider,
  instance: Instance,
  now: Date,
): RecordChange | undefined {
  if (!hasBegunToEnd(record.status)) {
    const change = observed(record, { instance, provider }, now);
    return change && { ...change, patch: { ...change.patch, placedAt: now } };
  }
  return {
    patch: {
      ...terminatingPatch(record.reason ?? "abandoned", now),
      providerId: instance.providerId,
      placedAt: now,
      endedAt: null,
      // A record that had ended gave its slot up, and another compute may have it.
      ...(isEnded(record.status) && { slot: null }),
      costSince: record.costSince ?? now,
    },
  };
}

function bootFailedError({ id, provider }: ComputeRecord, { providerId, message }: Instance): AtlasError {
  const reason = message ?? "it gave no reason";
  return new AtlasError("BOOT_FAILED", `${provider} could not boot compute ${id}: ${reason}`, {
    provider,
    computeId: id,
    providerId,
  });
}
