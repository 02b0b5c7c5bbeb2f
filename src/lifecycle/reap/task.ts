/** The task that is due for one compute, and carrying it out. */
import { isAtlasError } from "../../errors.ts";
import { defined } from "../../internal/defined.ts";
import type { Instance, Provider } from "../../provider.ts";
import type { ComputeRecord, EndReason } from "../../store.ts";
import type { Context } from "../context.ts";
import { endInstance } from "../end-instance.ts";
import { messageOf } from "../failures.ts";
import { absenceProvenFrom, getInstance, isUnexplained, oldest } from "../find-instance.ts";
import { type FailureFacts, failureFacts, withFacts } from "../looks/look.ts";
import { budgetDeadlineOf, budgetEndOf, SLACK_SECONDS } from "../money/budget.ts";
import { providerOf } from "../providers.ts";
import { absentPatch, type Doubt, isProvenAbsent } from "../record/absence.ts";
import { idleReason, warnAt } from "../record/ending.ts";
import { isEnded } from "../record/facts.ts";
import { changeHeld } from "../record/lease.ts";
import { observed } from "../record/observe.ts";
import { endedPatch, NO_LEASE, type RecordChange, retryPatch, terminatingPatch } from "../record/patch.ts";
import { after, isPast } from "../record/time.ts";
import { warning } from "../record/warning.ts";
import type { ReapPass } from "./pass.ts";

/** One line of a reap report. */
export interface ReapEntry {
  readonly computeId?: string;
  readonly provider: string;
  readonly providerId?: string;
  readonly reason: string;
  readonly error?: string;
}

/** The heading of the report for a compute. `unfinished` goes on in a later pass; `checked` gets no line. */
export type Heading = "terminated" | "settled" | "vanished" | "failed" | "unfinished" | "checked";

/** The result of one due compute. */
export interface ReapOutcome {
  readonly heading: Heading;
  readonly entry: ReapEntry;
}

/** A task that is due for a compute. */
export type Task =
  | { readonly kind: "expire"; readonly reason: EndReason }
  | { readonly kind: "settle" | "end" | "warn" | "look"; readonly reason?: undefined };

/** The task that is due for a record at that time. Pure. */
export function taskOf(record: ComputeRecord, now: Date): Task {
  if (record.status === "terminating") return { kind: "end" };
  if (isPast(record.lifetimeDeadline, now)) return { kind: "expire", reason: "max_lifetime" };
  if (record.status === "pending" || record.status === "uncertain") return { kind: "settle" };
  if (isPast(record.budgetDeadline, now)) return { kind: "expire", reason: "budget" };
  if (isPast(record.idleDeadline, now)) return { kind: "expire", reason: idleReason(record) };
  if (isPast(warnAt(record), now)) return { kind: "warn" };
  return { kind: "look" };
}

/** Carries out the task of a record whose lease this pass holds. A failure of the provider is in the outcome, and puts the task off. */
export async function reapRecord(pass: ReapPass, record: ComputeRecord, now: Date): Promise<ReapOutcome> {
  const { context } = pass;
  const unfinished = outcome("unfinished", record);
  if (pass.isOver) return unfinished;
  try {
    const done = await carryOut(pass, record, taskOf(record, now), now);
    pass.note(record.provider);
    return done;
  } catch (error) {
    if (!isAtlasError(error) || error.code === "STORE_UNAVAILABLE") throw error;
    if (pass.signal?.aborted) return unfinished;
    pass.note(record.provider, error);
    context.logger.warn(`reaping compute ${record.id} failed`, {
      computeId: record.id,
      code: error.code,
    });
    return await putOff(pass, record, messageOf(error));
  }
}

async function carryOut(pass: ReapPass, record: ComputeRecord, task: Task, now: Date): Promise<ReapOutcome> {
  switch (task.kind) {
    case "end":
      return endDue(pass, record);
    case "expire":
      if (task.reason === "budget") return expireByBudget(pass, record);
      return expire(pass, record, task.reason, (current, time) => isStillDue(current, task.reason, time));
    case "settle":
      return settleCreate(pass, record);
    case "warn":
      return warn(pass, record, now);
    case "look":
      return checkInstance(pass, record, now);
  }
}

/** Ends a compute whose budget is spent. The deadline was a forecast: where the budget lasts longer by now, it moves. */
async function expireByBudget(pass: ReapPass, record: ComputeRecord): Promise<ReapOutcome> {
  const end = await budgetEndOf(pass.context, record);
  const isOver = (now: Date): boolean => end !== null && end <= after(now, SLACK_SECONDS);
  if (isOver(await pass.context.store.now()))
    return expire(pass, record, "budget", (current, now) => isPast(current.budgetDeadline, now));
  const next = await changeHeld(pass.context, record, (current, now) => ({
    patch: { ...NO_LEASE, budgetDeadline: end === null ? null : budgetDeadlineOf(current, end, now) },
  }));
  return outcome("checked", next);
}

/** True when the deadline has still passed: a touch may have moved it since the record was claimed. */
function isStillDue(record: ComputeRecord, reason: EndReason, now: Date): boolean {
  return isPast(reason === "max_lifetime" ? record.lifetimeDeadline : record.idleDeadline, now);
}

/** Writes the warning of a planned end, and looks at the instance where that is due, too. */
async function warn(pass: ReapPass, record: ComputeRecord, now: Date): Promise<ReapOutcome> {
  const next = await changeHeld(pass.context, record, (current, time) => {
    const warned = warning(current, time);
    const isLookDue = isPast(current.checkAt, time);
    return { ...warned, patch: { ...(isLookDue ? {} : NO_LEASE), ...warned?.patch } };
  });
  return next.lease === record.lease ? checkInstance(pass, next, now) : outcome("checked", next);
}

async function putOff({ context }: ReapPass, record: ComputeRecord, error: string): Promise<ReapOutcome> {
  const next = await changeHeld(context, record, (current, now) => ({
    patch: retryPatch(current, error, now),
  }));
  return outcome("failed", next, reasonOf(next), error);
}

function reasonOf({ reason, status }: ComputeRecord): string {
  return reason ?? status;
}

/** The outcome of a record: its heading, and its line of the report. Pure. */
export function outcome(
  heading: Heading,
  record: ComputeRecord,
  reason: string = reasonOf(record),
  error?: string,
): ReapOutcome {
  const { id: computeId, provider, providerId } = record;
  const entry = defined({ computeId, provider, providerId: providerId ?? undefined, reason, error });
  return { heading, entry };
}

async function endDue(
  pass: ReapPass,
  record: ComputeRecord,
  heading: Heading = "terminated",
): Promise<ReapOutcome> {
  pass.requireUp(record.provider);
  const next = await endInstance(pass.context, record);
  return outcome(isEnded(next.status) ? heading : "unfinished", next);
}

/** Begins an end and carries it out. `holds` is checked in the step that stores the intent, which alone keeps the lease. */
async function expire(
  pass: ReapPass,
  record: ComputeRecord,
  reason: EndReason,
  holds: (record: ComputeRecord, now: Date) => boolean = () => true,
  heading: Heading = "terminated",
): Promise<ReapOutcome> {
  const { lease, leaseUntil } = record;
  const next = await changeHeld(pass.context, record, (current, now) =>
    holds(current, now)
      ? { patch: { ...terminatingPatch(reason, now), lease, leaseUntil } }
      : { patch: NO_LEASE },
  );
  return next.lease === lease ? endDue(pass, next, heading) : outcome("checked", next, next.status);
}

/** Settles a create whose outcome is unknown. */
async function settleCreate(pass: ReapPass, record: ComputeRecord): Promise<ReapOutcome> {
  const { context } = pass;
  const provider = providerOf(context, record);
  const { begunAt } = await pass.list(provider);
  const found = oldest(await pass.findByName(provider, record.name));
  if (found?.partial && found.status !== "failed") return lookLater(pass, record, "unfinished");
  if (found !== undefined && isFindable(record)) return takeUp(context, record, found);
  if (found !== undefined) return expire(pass, record, record.reason ?? "abandoned");
  if (begunAt < absenceProvenFrom(context, provider, record)) return lookLater(pass, record, "unfinished");
  const doubt = await pass.doubtOf(provider);
  if (!isProvenAbsent(record, begunAt, doubt)) return noteMissed(pass, record, doubt);
  return abandon(pass, record);
}

/**
 * True for a compute that its caller can find again: the error of an uncertain create names it, and its user asks for a slot again
 * and gets a new token. A caller that died without either has left an instance that nothing leads to.
 */
function isFindable({ status, slot, reason }: ComputeRecord): boolean {
  return reason === null && (status === "uncertain" || slot !== null);
}

/** Ends a compute that two whole lists, begun when its create could no longer turn up, do not have: there is nothing to ask the provider for. */
async function abandon({ context }: ReapPass, record: ComputeRecord): Promise<ReapOutcome> {
  const next = await changeHeld(context, record, ({ reason }, now) => ({
    patch: endedPatch("terminated", reason ?? "abandoned", now),
  }));
  return outcome("settled", next);
}

/** Takes up the instance of an uncertain create. */
async function takeUp(context: Context, record: ComputeRecord, instance: Instance): Promise<ReapOutcome> {
  const provider = providerOf(context, record);
  const sight = { instance, provider };
  const told = await failureFacts(context, record, sight);
  const next = await changeHeld(context, record, (current, now) =>
    seenChange(observed(current, sight, now), told),
  );
  return outcome("settled", next, "found");
}

/** Looks at the instance of a compute without another task: it may be gone, or have missed its boot deadline. */
async function checkInstance(pass: ReapPass, record: ComputeRecord, now: Date): Promise<ReapOutcome> {
  const { context } = pass;
  pass.requireUp(record.provider);
  const provider = providerOf(context, record);
  const instance = await instanceOf(pass, record);
  if (instance === undefined)
    return now < absenceProvenFrom(context, provider, record)
      ? lookLater(pass, record, "checked")
      : missed(pass, provider, record, now);
  const { lease, leaseUntil } = record;
  const sight = { instance, provider, askedAt: (await pass.list(provider)).begunAt };
  const told = await failureFacts(context, record, sight);
  const next = await changeHeld(context, record, (current, time) => {
    if (current.status !== record.status) return { patch: NO_LEASE };
    const change = seenChange(observed(current, sight, time), told);
    // An end keeps the lease under which it is carried out; every other change gives it back.
    const ends = change?.patch.status === "terminating";
    return ends ? { ...change, patch: { ...change.patch, lease, leaseUntil } } : change;
  });
  if (next.lease === lease) return endDue(pass, next);
  if (!isEnded(next.status)) return outcome("checked", next);
  return outcome(next.reason === "vanished" ? "vanished" : "terminated", next);
}

/** A look that misses an instance ends its compute only when looks before it have missed it, too. */
async function missed(
  pass: ReapPass,
  provider: Provider,
  record: ComputeRecord,
  now: Date,
): Promise<ReapOutcome> {
  const doubt = await pass.doubtOf(provider);
  if (isProvenAbsent(record, now, doubt)) return expire(pass, record, "vanished", undefined, "vanished");
  return noteMissed(pass, record, doubt);
}

async function noteMissed(pass: ReapPass, record: ComputeRecord, doubt: Doubt): Promise<ReapOutcome> {
  const next = await changeHeld(pass.context, record, (current, time) => ({
    patch: { ...NO_LEASE, ...absentPatch(current, time, doubt) },
  }));
  return outcome("checked", next, next.status);
}

function seenChange(change: RecordChange | undefined, told: FailureFacts): RecordChange | undefined {
  return change && withFacts(change, told);
}

/** Puts the compute off. An instance that is not there yet proves nothing, and is no failure. */
async function lookLater(
  { context }: ReapPass,
  record: ComputeRecord,
  heading: Heading,
): Promise<ReapOutcome> {
  const next = await changeHeld(context, record, (current, time) => ({
    patch: retryPatch(current, null, time),
  }));
  return outcome(heading, next, next.status);
}

/** The instance from the pass's one list, or by its id when the list does not have it, because lists lag, or does not say why it stopped. */
async function instanceOf(pass: ReapPass, record: ComputeRecord): Promise<Instance | undefined> {
  const { context, signal } = pass;
  const provider = providerOf(context, record);
  const { name, providerId } = record;
  const listed = (await pass.list(provider)).instances.find(
    (instance) => instance.name === name && instance.providerId === providerId,
  );
  if (providerId === null || (listed !== undefined && !isUnexplained(record, listed))) return listed;
  const call = { provider, signal, computeId: record.id };
  return (await getInstance(context, call, { name, providerId })) ?? listed;
}
