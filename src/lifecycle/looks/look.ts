/** One look at the instances of some computes of a provider, and the changes that follow from it. */
import { type AtlasError, isAtlasError } from "../../errors.ts";
import { namePrefix } from "../../internal/names.ts";
import type { Instance, Provider } from "../../provider.ts";
import type { ComputeRecord } from "../../store.ts";
import { doubtAfter } from "../belief.ts";
import { callProvider, listTimeoutSeconds } from "../call.ts";
import type { Context } from "../context.ts";
import { endCompute } from "../end.ts";
import { absenceProvenFrom, isUnexplained, lookUp } from "../find-instance.ts";
import { absentPatch, isProvenAbsent, missedSince } from "../record/absence.ts";
import { changeRecord } from "../record/change.ts";
import { hasBegunToEnd } from "../record/facts.ts";
import { isNews, OBSERVABLE, observed, type Sight } from "../record/observe.ts";
import { lookedPatch, type RecordChange, terminatingPatch, touchedPatch } from "../record/patch.ts";
import { after } from "../record/time.ts";
import { warning } from "../record/warning.ts";
import { lastLines } from "./last-lines.ts";

/** The parts of a claim to look. */
export interface LookClaim {
  /** The least time since the look before, of any process. */
  readonly spacingSeconds: number;
  /** True when a caller waits or follows, which keeps a compute that has not answered yet from idling. */
  readonly isAwaited: boolean;
}

/** A record that was claimed for a look. */
export interface Claimed {
  readonly record: ComputeRecord;
  /** False when no look is due, or none is possible in the record's state. */
  readonly isOurs: boolean;
  /** The store's time of the claim. */
  readonly at: Date;
}

/** Where looks are this cheap, no process has to know of another one's, and few of them are written. */
const CHEAP_SECONDS = 1;
/** The least time between two written claims of cheap looks, which keep the reaper away. */
const WRITTEN_SECONDS = 10;

/** Notes in the record that this process looks now, unless another one did so just before. */
export async function claimLook(
  context: Context,
  provider: Provider,
  id: string,
  claim: LookClaim,
): Promise<Claimed> {
  let at = new Date(0);
  let isOurs = false;
  const isCheap = (provider.lookSeconds ?? CHEAP_SECONDS) < CHEAP_SECONDS;
  const record = await changeRecord(context, id, (current, now) => {
    at = now;
    isOurs = isLookable(current, now) && (isCheap || !wasLookedAt(current, claim.spacingSeconds, now));
    const warned = warning(current, now);
    const isSilent = isCheap && warned === undefined && wasLookedAt(current, WRITTEN_SECONDS, now);
    if (!isOurs || isSilent) return undefined;
    const isWaiting = claim.isAwaited && isLoading(current, provider, now);
    return {
      ...warned,
      patch: {
        ...lookedPatch(current, current.status, now),
        ...(isWaiting ? touchedPatch(current, now) : {}),
        ...warned?.patch,
      },
    };
  });
  return { record, isOurs, at };
}

/** A create that is under way or uncertain is settled by its spawn and by the reaper. */
function isLookable({ status, leaseUntil }: ComputeRecord, now: Date): boolean {
  const isLeased = leaseUntil !== null && leaseUntil > now;
  return OBSERVABLE.has(status) && status !== "pending" && status !== "uncertain" && !isLeased;
}

function wasLookedAt({ lookedAt }: ComputeRecord, spacingSeconds: number, now: Date): boolean {
  return lookedAt !== null && now < after(lookedAt, spacingSeconds);
}

/** True while the program of a running compute may still be loading: it never answered, and its time for that is not over. */
function isLoading(record: ComputeRecord, provider: Provider, now: Date): boolean {
  const { answeredAt, status, actedAt, placedAt, createdAt, bootTimeoutSeconds } = record;
  const since = actedAt ?? placedAt ?? createdAt;
  const seconds = bootTimeoutSeconds ?? provider.bootTimeoutSeconds;
  return status === "running" && answeredAt === null && now < after(since, seconds);
}

/** Asks the provider for these computes: one by its id, several by one list. */
export async function sightingsOf(
  context: Context,
  provider: Provider,
  records: readonly ComputeRecord[],
): Promise<ReadonlyMap<string, Instance | undefined>> {
  const [first, ...others] = records;
  if (first === undefined) return new Map();
  if (others.length === 0) return new Map([[first.id, await lookUp(context, first)]]);
  const call = { provider, operation: "list", timeoutSeconds: listTimeoutSeconds(context) };
  const listed = await callProvider(context, call, (callContext) =>
    provider.list({ namePrefix: namePrefix(context.namespace) }, callContext),
  );
  const found = new Map<string, Instance | undefined>();
  for (const record of records) {
    const own = listed.find(
      ({ name, providerId }) => name === record.name && providerId === record.providerId,
    );
    // Lists lag, and prove no absence of a single instance.
    const isEnough = own !== undefined && !isUnexplained(record, own);
    found.set(record.id, isEnough ? own : ((await lookUp(context, record)) ?? own));
  }
  return found;
}

/** Writes what a look showed. A compute that failed by it is ended. */
export async function noteSighting(
  context: Context,
  provider: Provider,
  { record, at: askedAt }: Claimed,
  instance: Instance | undefined,
): Promise<ComputeRecord> {
  if (instance === undefined) return noteAbsence(context, provider, record, askedAt);
  const sight: Sight = { instance, provider, askedAt };
  const told = await failureFacts(context, record, sight);
  const next = await changeRecord(context, record.id, (current, now) => {
    const change = observed(current, sight, now);
    return change && isNews(current, change.patch) ? withFacts(change, told) : undefined;
  });
  return next.status === "terminating" ? endCompute(context, next) : next;
}

/** The last lines of a compute that ends by this sighting. They are read before its end takes them away. */
export async function failureFacts(
  context: Context,
  record: ComputeRecord,
  sight: Sight,
  secrets: readonly string[] = [],
): Promise<FailureFacts> {
  const change = observed(record, sight, record.updatedAt);
  const status = change?.patch.status;
  if (status === undefined || !hasBegunToEnd(status) || change?.patch.reason === "vanished") return {};
  return { logs: await lastLines(context, { ...record, providerId: sight.instance.providerId }, secrets) };
}

/** The facts for the event of an end. */
export interface FailureFacts {
  readonly logs?: readonly string[];
}

/** A change with further facts in its event, where it ends the compute. */
export function withFacts(change: RecordChange, facts: FailureFacts): RecordChange {
  const { status } = change.patch;
  if (status === undefined || !hasBegunToEnd(status)) return change;
  return { ...change, event: { type: "note", data: { ...change.event?.data, ...facts } } };
}

/** Notes a look that misses an instance, and ends the compute by the second one. Where there is a doubt, only the reaper ends it, in time. */
async function noteAbsence(
  context: Context,
  provider: Provider,
  record: ComputeRecord,
  askedAt: Date,
): Promise<ComputeRecord> {
  const isSettled = (current: ComputeRecord, now: Date): boolean =>
    // The compute may have ended while the provider was asked, and an instance that is just created is not listed yet.
    !isLookable(current, now) || now < absenceProvenFrom(context, provider, current);
  if (isSettled(record, askedAt)) return record;
  const doubt = await doubtAfter(context, provider, record);
  const next = await changeRecord(context, record.id, (current, now) => {
    if (isSettled(current, now)) return undefined;
    if (doubt === "none" && isProvenAbsent(current, askedAt, doubt))
      return { patch: terminatingPatch("vanished", now) };
    const isKnown = missedSince(current, now, doubt)?.getTime() === current.absentSince?.getTime();
    return isKnown ? undefined : { patch: absentPatch(current, now, doubt) };
  });
  return next.status === "terminating" ? endCompute(context, next) : next;
}

/** The error of a look, as a value: a provider that does not answer disturbs no caller that waits. */
export async function failureOfLook<Result>(
  look: () => Promise<Result>,
): Promise<{ readonly result?: Result; readonly error?: AtlasError }> {
  try {
    return { result: await look() };
  } catch (error) {
    if (isAtlasError(error)) return { error };
    throw error;
  }
}
