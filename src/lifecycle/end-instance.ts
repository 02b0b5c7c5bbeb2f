/** Ending the instance of a compute whose lease this worker holds, and proving that it is gone. */
import type { Instance, InstanceReference } from "../provider.ts";
import type { ComputeRecord } from "../store.ts";
import { doubtAfter } from "./belief.ts";
import { type CallParts, callProvider } from "./call.ts";
import type { Context } from "./context.ts";
import { absenceProvenFrom, findNamesakes, lookUp, oldest, referenceOf } from "./find-instance.ts";
import { providerOf } from "./providers.ts";
import { isProvenAbsent, missedSince } from "./record/absence.ts";
import { changeHeld } from "./record/lease.ts";
import { endedPatch, retryPatch } from "./record/patch.ts";
import { after } from "./record/time.ts";

/** Asks a provider to end an instance. The answer means accepted, not ended. */
export function terminateInstance(
  context: Context,
  call: CallParts,
  reference: InstanceReference,
): Promise<void> {
  return callProvider(context, { ...call, operation: "terminate" }, (callContext) =>
    call.provider.terminate(reference, callContext),
  );
}

/**
 * Ends the instance of a record whose lease this worker holds, and stores the result.
 * @param pausesSeconds pauses between further looks, while the provider still shows the instance
 * @returns the record: `terminated` when the instance is proven gone, else put off to the reaper
 * @throws the provider's error
 */
export async function endInstance(
  context: Context,
  claimed: ComputeRecord,
  pausesSeconds: readonly number[] = [],
): Promise<ComputeRecord> {
  const { record, namesakes } = await identifyInstance(context, claimed);
  if (record.lease !== claimed.lease) return record;
  const provider = providerOf(context, record);
  if (record.providerId !== null || namesakes.length === 0)
    await terminateInstance(context, { provider, computeId: record.id }, referenceOf(record));
  const seen = await lookUntilGone(context, record, pausesSeconds);
  const against = seen === "missed" ? await doubtAfter(context, provider, record) : "none";
  return changeHeld(context, record, (current, now) => {
    const isGone =
      seen === "gone" || (seen === "missed" && (against === "none" || isProvenAbsent(current, now, against)));
    if (isGone) return { patch: endedPatch("terminated", current.reason ?? "requested", now) };
    const absentSince = seen === "missed" ? missedSince(current, now, against) : null;
    return { patch: { ...retryPatch(current, current.lastError, now), absentSince } };
  });
}

/**
 * Renews the lease right before the call, because the record may have waited long for its turn, and looks for the id of an instance
 * that is known by name only. All namesakes may belong to other stores; then none may be ended by that name.
 */
async function identifyInstance(
  context: Context,
  claimed: ComputeRecord,
): Promise<{ readonly record: ComputeRecord; readonly namesakes: readonly Instance[] }> {
  const namesakes = claimed.providerId === null ? await namesakesOf(context, claimed) : [];
  const owner = namesakes.length === 0 ? undefined : await context.store.identity();
  const found = oldest(namesakes.filter((instance) => instance.owner === owner));
  const { leaseSeconds } = context.timing;
  const record = await changeHeld(context, claimed, ({ costSince, placedAt }, now) => ({
    patch: {
      leaseUntil: after(now, leaseSeconds),
      ...(found && { providerId: found.providerId, costSince: costSince ?? placedAt }),
    },
  }));
  return { record, namesakes };
}

function namesakesOf(context: Context, record: ComputeRecord): Promise<readonly Instance[]> {
  const provider = providerOf(context, record);
  return findNamesakes(context, { provider, computeId: record.id }, record.name);
}

/** `gone`: the provider shows its end. `missed`: the provider does not know it, at a time when it would. `there`: neither. */
async function lookUntilGone(
  context: Context,
  record: ComputeRecord,
  pausesSeconds: readonly number[],
): Promise<"gone" | "missed" | "there"> {
  const provenFrom = absenceProvenFrom(context, providerOf(context, record), record);
  for (const pause of [0, ...pausesSeconds]) {
    if (pause > 0) await context.clock.sleep(pause * 1000);
    const instance = await lookUp(context, record);
    if (instance?.status === "terminated") return "gone";
    if (instance === undefined) return (await context.store.now()) >= provenFrom ? "missed" : "there";
  }
  return "there";
}
