/** Extending a compute: moving its planned ends away. */
import * as z from "zod/mini";
import { AtlasError } from "../errors.ts";
import { field, parseFields } from "../internal/parse.ts";
import type { ComputeRecord } from "../store.ts";
import type { ActOptions } from "./actor.ts";
import { byField } from "./by-field.ts";
import type { Context } from "./context.ts";
import { lookNow } from "./looks/looks.ts";
import { changeRecord, loadRecord } from "./record/change.ts";
import { hasBegunToEnd } from "./record/facts.ts";
import type { Patch } from "./record/patch.ts";
import { after, earliest } from "./record/time.ts";

/** Options of an extension. */
export interface ExtendOptions extends ActOptions {
  /** Seconds by which the lifetime grows, and for which the compute does not idle from now on. */
  readonly seconds: number;
}

const FIELDS = {
  seconds: field(
    z.int().check(z.minimum(1), z.maximum(31_536_000)),
    "a whole number of seconds from 1 to 31536000",
  ),
  by: byField,
};

/** Moves both deadlines, after a look where a compute does not run yet. @throws CONFLICT when nothing can move, or the compute ends */
export async function extend(context: Context, id: string, options: ExtendOptions): Promise<ComputeRecord> {
  const { seconds, ...by } = parseFields("The options of extend", FIELDS, options);
  await lookBeforeRefusal(context, id, seconds);
  return changeRecord(context, id, (record, now) => {
    if (hasBegunToEnd(record.status)) throw refused(record, `it is ${record.status}`);
    const patch = extended(record, seconds, now);
    if (!isMoved(record, patch)) throw refused(record, whyNot(record));
    return {
      patch: { ...patch, lastActiveAt: now },
      event: { type: "note", data: { ...told(patch), ...by } },
    };
  });
}

/** A compute gets its idle deadline when a look finds that it runs: a refusal must not rest on what was true minutes ago. */
async function lookBeforeRefusal(context: Context, id: string, seconds: number): Promise<void> {
  const { record, now } = await loadRecord(context, id);
  const mayRun = record.status !== "running" && !hasBegunToEnd(record.status);
  if (mayRun && !isMoved(record, extended(record, seconds, now))) await lookNow(context, id);
}

type Deadlines = Required<Pick<Patch, "lifetimeDeadline" | "idleDeadline">>;

function isMoved({ lifetimeDeadline, idleDeadline }: ComputeRecord, patch: Deadlines): boolean {
  return (
    patch.lifetimeDeadline?.getTime() !== lifetimeDeadline?.getTime() ||
    patch.idleDeadline?.getTime() !== idleDeadline?.getTime()
  );
}

function extended(record: ComputeRecord, seconds: number, now: Date): Deadlines {
  const { idleDeadline, createdAt, maxLifetimeSeconds, maxExtendedLifetimeSeconds } = record;
  const limit = after(createdAt, maxExtendedLifetimeSeconds ?? maxLifetimeSeconds);
  const before = record.lifetimeDeadline;
  const wanted = before && earliest(after(before, seconds), limit);
  // A deadline that lies behind its limit already is not moved back.
  const lifetimeDeadline = before && wanted && wanted > before ? wanted : before;
  const idle = earliest(after(now, seconds), lifetimeDeadline);
  const isLater = idleDeadline !== null && idle !== null && idle > idleDeadline;
  return { lifetimeDeadline, idleDeadline: isLater ? idle : idleDeadline };
}

function told(patch: Deadlines): Readonly<Record<string, unknown>> {
  return {
    message: "it was extended",
    idleDeadline: patch.idleDeadline?.toISOString() ?? null,
    lifetimeDeadline: patch.lifetimeDeadline?.toISOString() ?? null,
  };
}

function whyNot({ maxExtendedLifetimeSeconds, maxLifetimeSeconds }: ComputeRecord): string {
  const limit = maxExtendedLifetimeSeconds ?? maxLifetimeSeconds;
  return limit === null
    ? "it has no deadline that could move"
    : `its lifetime is limited to ${limit} seconds; a larger maxExtendedLifetimeSeconds in its request would allow more`;
}

function refused({ id }: ComputeRecord, why: string): AtlasError {
  return new AtlasError("CONFLICT", `compute ${id} cannot be extended: ${why}`, { computeId: id });
}
