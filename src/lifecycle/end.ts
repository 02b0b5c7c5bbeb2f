/** Ending a compute: stored first, asked for then, and over only when the provider shows that the instance is gone. */
import { nanoid } from "nanoid";
import { isAtlasError } from "../errors.ts";
import type { Instance } from "../provider.ts";
import type { ComputeRecord, EndReason } from "../store.ts";
import { callProvider } from "./call.ts";
import { type Context, providerOf } from "./context.ts";
import { absenceProvenFrom, findNamesakes, lookUp, oldest, referenceOf } from "./find-instance.ts";
import { after, type Change, changeRecord, endedPatch, isEnded, terminatingPatch } from "./record/change.ts";

const CONFIRM_PAUSES_SECONDS: readonly number[] = [0.25, 0.5, 1, 2, 4];
const FIRST_RETRY_SECONDS = 5;
const MAX_RETRY_SECONDS = 300;

/**
 * Ends a compute for a caller: stores the intent, asks the provider, and waits a little for the proof.
 * @returns the record, `terminated` when that is proven, else `terminating`: what failed is in `lastError`, and the reaper goes on.
 */
export async function terminate(context: Context, id: string, reason: EndReason): Promise<ComputeRecord> {
  const record = await changeRecord(context, id, ({ status }, now) =>
    isEnded(status) || status === "terminating" ? undefined : { patch: terminatingPatch(reason, now) },
  );
  return isEnded(record.status) ? record : endCompute(context, record);
}

/** Carries out an end that is stored, as the only one who does so; where somebody else is at it, leaves it to them. */
export async function endCompute(context: Context, { id }: ComputeRecord): Promise<ComputeRecord> {
  const lease = nanoid();
  const held = await changeRecord(context, id, ({ status, leaseUntil }, now) =>
    status === "terminating" && (leaseUntil === null || leaseUntil <= now)
      ? { patch: { lease, leaseUntil: after(now, context.timing.leaseSeconds) } }
      : undefined,
  );
  return held.lease === lease ? finishEnd(context, held) : held;
}

/** Ends the instance of a record we hold the lease of; a failure is put off to the reaper. */
async function finishEnd(context: Context, record: ComputeRecord): Promise<ComputeRecord> {
  try {
    return await tryEnd(context, record, CONFIRM_PAUSES_SECONDS);
  } catch (error) {
    if (!isAtlasError(error) || error.code === "STORE_UNAVAILABLE") throw error;
    context.logger.warn(`compute ${record.id} could not be ended yet`, {
      computeId: record.id,
      code: error.code,
    });
    return changeHeld(context, record, (current, now) => ({
      patch: retryPatch(current, error.message, now),
    }));
  }
}

/** Asks the provider to end the instance of a record we hold the lease of, and stores what came of it. @throws what the provider throws */
export async function tryEnd(
  context: Context,
  claimed: ComputeRecord,
  pausesSeconds: readonly number[] = [],
): Promise<ComputeRecord> {
  const { record, namesakes } = await identify(context, claimed);
  if (record.lease !== claimed.lease) return record;
  if (record.providerId !== null || namesakes.length === 0) await askToTerminate(context, record);
  const gone = await isGone(context, record, pausesSeconds);
  return changeHeld(context, record, (current, now) => ({
    patch: gone
      ? endedPatch("terminated", current.reason ?? "requested", now)
      : retryPatch(current, null, now),
  }));
}

/**
 * Takes the lease anew, right before the call that it is for: the record may have waited long for its turn. Looks for the instance of one
 * that does not know its id yet; the namesakes may all be strangers, not to be ended by their name.
 */
async function identify(
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

/** Changes a record only while the given one's lease still holds it; who lost the lease changes nothing. */
export async function changeHeld(
  context: Context,
  { id, lease }: ComputeRecord,
  decide: (record: ComputeRecord, now: Date) => Change | undefined,
): Promise<ComputeRecord> {
  return changeRecord(context, id, (record, now) =>
    record.lease === lease ? decide(record, now) : undefined,
  );
}

async function askToTerminate(context: Context, record: ComputeRecord): Promise<void> {
  const provider = providerOf(context, record);
  const timeoutSeconds = context.timing.requestTimeoutSeconds;
  const call = { provider, operation: "terminate", timeoutSeconds, computeId: record.id };
  await callProvider(context, call, (callContext) => provider.terminate(referenceOf(record), callContext));
}

async function isGone(
  context: Context,
  record: ComputeRecord,
  pausesSeconds: readonly number[],
): Promise<boolean> {
  const provenFrom = absenceProvenFrom(context, providerOf(context, record), record);
  for (const pause of [0, ...pausesSeconds]) {
    if (pause > 0) await context.clock.sleep(pause * 1000);
    const instance = await lookUp(context, record);
    if (instance?.status === "terminated") return true;
    if (instance === undefined) return (await context.store.now()) >= provenFrom;
  }
  return false;
}

/** The patch that puts a failed or unfinished try off; longer each time. */
export function retryPatch(
  { attempts }: ComputeRecord,
  lastError: string | null,
  now: Date,
): Change["patch"] {
  const seconds = Math.min(FIRST_RETRY_SECONDS * 2 ** attempts, MAX_RETRY_SECONDS);
  return { checkAt: after(now, seconds), attempts: attempts + 1, lastError, lease: null, leaseUntil: null };
}
