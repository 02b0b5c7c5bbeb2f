/** Taking up an instance whose record ended as vanished: the provider shows it again. */
import { isAtlasError } from "../../errors.ts";
import type { Instance, Provider } from "../../provider.ts";
import { type ComputeRecord, isSlotTaken } from "../../store.ts";
import type { Context } from "../context.ts";
import { type FailureFacts, failureFacts } from "../looks/look.ts";
import { changeRecord, loadRecord } from "../record/change.ts";
import { observed } from "../record/observe.ts";
import type { Patch, RecordChange } from "../record/patch.ts";
import { after } from "../record/time.ts";

/** True for a record that ended only because its instance, this one, had disappeared. */
export function wasLost(record: ComputeRecord | undefined, instance: Instance): boolean {
  return (
    record?.status === "terminated" &&
    record.reason === "vanished" &&
    record.providerId === instance.providerId
  );
}

/** Takes the compute up again. Where another compute has its slot meanwhile, it goes on without the slot. */
export async function takeUpLost(
  context: Context,
  provider: Provider,
  id: string,
  instance: Instance,
): Promise<ComputeRecord> {
  context.logger.warn(`${provider.name} shows compute ${id} again, which had vanished: it is taken up`, {
    computeId: id,
  });
  const { record } = await loadRecord(context, id);
  const told = await failureFacts(context, revived(record, instance), { instance, provider });
  const change = (more: Patch) =>
    changeRecord(context, id, (current, now) =>
      wasLost(current, instance) ? revival(current, instance, { provider, now, more, told }) : undefined,
    );
  try {
    return await change({});
  } catch (error) {
    if (!isAtlasError(error) || !isSlotTaken(error)) throw error;
    return change({ slot: null });
  }
}

function revival(
  record: ComputeRecord,
  instance: Instance,
  { provider, now, more, told }: Revival,
): RecordChange | undefined {
  const back = revived(record, instance);
  const change = observed(back, { instance, provider }, now);
  const { reason, endedAt, absentSince, lifetimeDeadline } = back;
  return (
    change && {
      patch: { reason, endedAt, absentSince, lifetimeDeadline, ...more, ...change.patch },
      event: { type: "note", data: { note: "its provider shows it again", ...told } },
    }
  );
}

/** The parts of the change that takes a compute up again. */
interface Revival {
  readonly provider: Provider;
  readonly now: Date;
  readonly more: Patch;
  readonly told: FailureFacts;
}

/** The record as it was before its instance disappeared. */
function revived(record: ComputeRecord, instance: Instance): ComputeRecord {
  const lifetimeDeadline = after(record.createdAt, record.maxLifetimeSeconds);
  // A stop that happened meanwhile is the provider's, and no failed boot.
  const status = instance.status === "stopped" ? "running" : "provisioning";
  return { ...record, status, reason: null, endedAt: null, absentSince: null, lifetimeDeadline };
}
