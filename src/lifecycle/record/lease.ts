/** Leases: one worker at a time ends a compute, and a worker that lost its lease changes nothing. */
import { nanoid } from "nanoid";
import type { ComputeRecord } from "../../store.ts";
import type { Context } from "../context.ts";
import { changeRecord, type Decide } from "./change.ts";
import { after } from "./time.ts";

/** Takes the lease of a compute that is terminating. @returns the record, whose lease may be another worker's */
export async function takeLease(
  context: Context,
  id: string,
): Promise<{ readonly record: ComputeRecord; readonly isOurs: boolean }> {
  const lease = nanoid();
  const record = await changeRecord(context, id, ({ status, leaseUntil }, now) =>
    status === "terminating" && (leaseUntil === null || leaseUntil <= now)
      ? { patch: { lease, leaseUntil: after(now, context.timing.leaseSeconds) } }
      : undefined,
  );
  return { record, isOurs: record.lease === lease };
}

/** Changes a record while it still has the lease of the given one; otherwise leaves it as it is. */
export async function changeHeld(
  context: Context,
  { id, lease }: ComputeRecord,
  decide: Decide,
): Promise<ComputeRecord> {
  return changeRecord(context, id, (record, now) =>
    record.lease === lease ? decide(record, now) : undefined,
  );
}
