/** What is to be done about one compute that is due, and doing it. */
import { isAtlasError } from "../../errors.ts";
import type { Instance } from "../../provider.ts";
import type { ComputeRecord, EndReason } from "../../store.ts";
import { callProvider } from "../call.ts";
import { type Context, providerOf } from "../context.ts";
import { changeHeld, retryPatch, tryEnd } from "../end.ts";
import { absenceProvenFrom, findByName, oldest } from "../find-instance.ts";
import { messageOf } from "../message.ts";
import { type Change, isEnded, terminatingPatch } from "../record/change.ts";
import { observed } from "../record/observe.ts";
import type { ReapPass } from "./pass.ts";

/** One line of a reap report. */
export interface ReapEntry {
  readonly computeId?: string;
  readonly provider: string;
  readonly providerId?: string;
  readonly reason: string;
  readonly error?: string;
}

/** Under which heading of the report a compute comes; `unfinished` is begun and goes on in a later pass, `checked` needs no line. */
export type Heading = "terminated" | "settled" | "vanished" | "failed" | "unfinished" | "checked";

/** What became of one due compute. */
export interface Outcome {
  readonly heading: Heading;
  readonly entry: ReapEntry;
}

/** What is due for a compute. */
export type Task =
  | { readonly kind: "settle" }
  | { readonly kind: "end" }
  | { readonly kind: "expire"; readonly reason: EndReason }
  | { readonly kind: "look" };

/** What is due for a record at that time. Pure. */
export function taskOf(record: ComputeRecord, now: Date): Task {
  if (record.status === "terminating") return { kind: "end" };
  if (isPast(record.lifetimeDeadline, now)) return { kind: "expire", reason: "max_lifetime" };
  if (record.status === "pending" || record.status === "uncertain") return { kind: "settle" };
  if (isPast(record.idleDeadline, now)) return { kind: "expire", reason: "idle" };
  return { kind: "look" };
}

function isPast(deadline: Date | null, now: Date): boolean {
  return deadline !== null && deadline <= now;
}

/** Does what is due for a record whose lease we hold. A failure of the provider puts it off and is in the outcome. */
export async function reapRecord(pass: ReapPass, record: ComputeRecord, now: Date): Promise<Outcome> {
  const { context } = pass;
  const unfinished = outcome("unfinished", record, record.reason ?? record.status);
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

async function carryOut(pass: ReapPass, record: ComputeRecord, task: Task, now: Date): Promise<Outcome> {
  switch (task.kind) {
    case "end":
      return end(pass, record);
    case "expire":
      return expire(pass, record, task.reason, (current, time) => isStillDue(current, task.reason, time));
    case "settle":
      return settle(pass, record, now);
    case "look":
      return look(pass, record, now);
  }
}

/** Whether a deadline is still past: a touch may have moved it since the record was claimed. */
function isStillDue(record: ComputeRecord, reason: EndReason, now: Date): boolean {
  return isPast(reason === "idle" ? record.idleDeadline : record.lifetimeDeadline, now);
}

async function putOff({ context }: ReapPass, record: ComputeRecord, error: string): Promise<Outcome> {
  const next = await changeHeld(context, record, (current, now) => ({
    patch: retryPatch(current, error, now),
  }));
  return outcome("failed", next, next.reason ?? next.status, error);
}

function outcome(heading: Heading, record: ComputeRecord, reason: string, error?: string): Outcome {
  const { id: computeId, provider, providerId } = record;
  return {
    heading,
    entry: {
      computeId,
      provider,
      ...(providerId === null ? {} : { providerId }),
      reason,
      ...(error === undefined ? {} : { error }),
    },
  };
}

async function end(pass: ReapPass, record: ComputeRecord, heading: Heading = "terminated"): Promise<Outcome> {
  pass.requireUp(record.provider);
  const next = await tryEnd(pass.context, record);
  return outcome(isEnded(next.status) ? heading : "unfinished", next, next.reason ?? next.status);
}

/** Begins an end and carries it out. `holds` is asked in the same step that stores the intent. */
async function expire(
  pass: ReapPass,
  record: ComputeRecord,
  reason: EndReason,
  holds: (record: ComputeRecord, now: Date) => boolean = () => true,
  heading: Heading = "terminated",
): Promise<Outcome> {
  const { lease, leaseUntil } = record;
  const next = await changeHeld(pass.context, record, (current, now) =>
    holds(current, now)
      ? { patch: { ...terminatingPatch(reason, now), lease, leaseUntil } }
      : { patch: { lease: null, leaseUntil: null } },
  );
  return next.status === "terminating" && next.lease === lease
    ? end(pass, next, heading)
    : outcome("checked", next, next.status);
}

/** Settles a create of which nobody knows what became. */
async function settle(pass: ReapPass, record: ComputeRecord, now: Date): Promise<Outcome> {
  const { context, signal } = pass;
  pass.requireUp(record.provider);
  const provider = providerOf(context, record);
  const found = oldest(await findByName(context, { provider, signal, computeId: record.id }, record.name));
  if (found !== undefined && record.status === "uncertain" && record.reason === null)
    return settled(context, record, found);
  if (found !== undefined) return expire(pass, record, record.reason ?? "abandoned");
  if (now < absenceProvenFrom(context, provider, record)) return lookLater(pass, record, "unfinished");
  return expire(pass, record, record.reason ?? "abandoned", undefined, "settled");
}

async function settled(context: Context, record: ComputeRecord, instance: Instance): Promise<Outcome> {
  const { bootTimeoutSeconds } = providerOf(context, record);
  const next = await changeHeld(context, record, (current, now) =>
    observed(current, instance, bootTimeoutSeconds, now),
  );
  return outcome("settled", next, "found");
}

/** Looks at an instance that nothing else is due for: is it there, does it run, did it boot in time? */
async function look(pass: ReapPass, record: ComputeRecord, now: Date): Promise<Outcome> {
  const { context } = pass;
  pass.requireUp(record.provider);
  const provider = providerOf(context, record);
  const instance = await instanceOf(pass, record);
  if (instance === undefined)
    return now < absenceProvenFrom(context, provider, record)
      ? lookLater(pass, record, "checked")
      : expire(pass, record, "vanished", undefined, "vanished");
  const { lease, leaseUntil } = record;
  const next = await changeHeld(context, record, (current, time) => {
    if (current.status !== record.status) return { patch: { lease: null, leaseUntil: null } };
    const change = bootedInTime(observed(current, instance, provider.bootTimeoutSeconds, time), time);
    const ends = change?.patch.status === "terminating";
    return ends ? { ...change, patch: { ...change.patch, lease, leaseUntil } } : change;
  });
  if (next.status === "terminating" && next.lease === lease) return end(pass, next);
  const vanished = isEnded(next.status) && next.reason === "vanished";
  return outcome(vanished ? "vanished" : "checked", next, next.reason ?? next.status);
}

/** The change that was seen, or the end of what is still booting after its deadline. */
function bootedInTime(change: Change | undefined, now: Date): Change | undefined {
  const isLate = change?.patch.status === "provisioning" && isPast(change.patch.bootDeadline ?? null, now);
  return isLate ? { patch: terminatingPatch("boot_timeout", now) } : change;
}

/** What is not there yet proves nothing, and is no failure. */
async function lookLater({ context }: ReapPass, record: ComputeRecord, heading: Heading): Promise<Outcome> {
  const next = await changeHeld(context, record, (current, time) => ({
    patch: retryPatch(current, null, time),
  }));
  return outcome(heading, next, next.status);
}

/** From the pass's one list; what is missing there is asked for by its id, because lists lag. */
async function instanceOf(pass: ReapPass, record: ComputeRecord): Promise<Instance | undefined> {
  const { context, signal } = pass;
  const provider = providerOf(context, record);
  const { name, providerId } = record;
  const listed = (await pass.list(provider)).instances.find(
    (instance) => instance.name === name && instance.providerId === providerId,
  );
  if (listed !== undefined || providerId === null) return listed;
  const timeoutSeconds = context.timing.requestTimeoutSeconds;
  const call = { provider, operation: "get", signal, timeoutSeconds, computeId: record.id };
  return callProvider(context, call, (callContext) => provider.get({ name, providerId }, callContext));
}
