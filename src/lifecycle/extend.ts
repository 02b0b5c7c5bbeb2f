/** Extending a compute: moving its planned ends away. */
import * as z from "zod/mini";
import { AtlasError } from "../errors.ts";
import { field, parseFields } from "../internal/parse.ts";
import type { ComputeRecord } from "../store.ts";
import type { Context } from "./context.ts";
import { changeRecord } from "./record/change.ts";
import { hasBegunToEnd } from "./record/facts.ts";
import type { Patch } from "./record/patch.ts";
import { after, earliest } from "./record/time.ts";

/** Options of an extension. */
export interface ExtendOptions {
  /** Seconds by which the lifetime grows, and for which the compute does not idle from now on. */
  readonly seconds: number;
}

const FIELDS = {
  seconds: field(
    z.int().check(z.minimum(1), z.maximum(31_536_000)),
    "a whole number of seconds from 1 to 31536000",
  ),
};

/** Moves both deadlines. @throws CONFLICT when nothing can move, or the compute has ended or is ending */
export function extend(context: Context, id: string, options: ExtendOptions): Promise<ComputeRecord> {
  const { seconds } = parseFields("The options of extend", FIELDS, options);
  return changeRecord(context, id, (record, now) => {
    if (hasBegunToEnd(record.status)) throw refused(record, `it is ${record.status}`);
    const patch = extended(record, seconds, now);
    const isMoved =
      patch.lifetimeDeadline?.getTime() !== record.lifetimeDeadline?.getTime() ||
      patch.idleDeadline?.getTime() !== record.idleDeadline?.getTime();
    if (!isMoved) throw refused(record, whyNot(record));
    return { patch: { ...patch, lastActiveAt: now }, event: { type: "note", data: told(patch) } };
  });
}

function extended(
  record: ComputeRecord,
  seconds: number,
  now: Date,
): Required<Pick<Patch, "lifetimeDeadline" | "idleDeadline">> {
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

function told(patch: ReturnType<typeof extended>): Readonly<Record<string, unknown>> {
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
    : `its lifetime is limited to ${limit} seconds`;
}

function refused({ id }: ComputeRecord, why: string): AtlasError {
  const hint = "a larger maxExtendedLifetimeSeconds in its request would allow more";
  return new AtlasError("CONFLICT", `compute ${id} cannot be extended: ${why}; ${hint}`, { computeId: id });
}
