/** Writing back what a create made. */
import { AtlasError } from "../../errors.ts";
import { redactDeep } from "../../internal/redact.ts";
import type { Instance, Provider } from "../../provider.ts";
import type { ComputeRecord } from "../../store.ts";
import { endCompute } from "../end.ts";
import { withLines } from "../looks/last-lines.ts";
import { type FailureFacts, failureFacts, withFacts } from "../looks/look.ts";
import { hasBegunToEnd, isEnded } from "../record/facts.ts";
import { observed } from "../record/observe.ts";
import { type RecordChange, terminatingPatch } from "../record/patch.ts";
import { writeBack } from "../record/write-back.ts";
import { endedMeanwhile, type Spawned, type SpawnState, secretTexts, withTrace } from "./state.ts";

/**
 * Stores the instance in the record. Ends the instance when it failed to boot, or when its compute was ended meanwhile.
 * @throws BOOT_FAILED, CONFLICT in these two cases
 */
export async function adopt(
  state: SpawnState,
  placed: ComputeRecord,
  { instance, provider }: Created,
): Promise<Spawned> {
  const { context, id, secrets } = state;
  const told = await failureFacts(context, placed, { instance, provider }, secretTexts(state));
  const record = await writeBack(context, id, (current, now) => {
    const change = adoption(current, provider, instance, now);
    return change && withFacts(change, told);
  }).catch((error: unknown) => {
    throw withTrace(error, provider, instance);
  });
  if (!hasBegunToEnd(record.status)) {
    state.report("provisioning", `${provider.name} created ${instance.providerId}`, record);
    return { record, secrets, raw: () => redactDeep(instance.raw, secretTexts(state)), isNew: true };
  }
  const ended = await endCompute(context, record);
  const isBroken = instance.status === "failed" || instance.status === "terminated";
  throw isBroken ? bootFailedError(ended, instance, told) : endedMeanwhile(ended);
}

/** The instance that a create made. */
interface Created {
  readonly instance: Instance;
  readonly provider: Provider;
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

function bootFailedError(
  { id, provider }: ComputeRecord,
  { providerId, message = "it gave no reason" }: Instance,
  { logs = [] }: FailureFacts,
): AtlasError {
  const said = withLines(`${provider} could not boot compute ${id}: ${message}`, logs);
  return new AtlasError("BOOT_FAILED", said, { provider, computeId: id, providerId, details: { logs } });
}
