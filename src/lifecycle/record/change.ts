/** Reading a record, and changing it by compare-and-swap, with its event. */
import { AtlasError } from "../../errors.ts";
import { compareAndSwap } from "../../internal/compare-and-swap.ts";
import { isComputeId } from "../../internal/names.ts";
import { describe } from "../../internal/parse.ts";
import type { ComputeRecord, Limits, Snapshot } from "../../store.ts";
import type { Context } from "../context.ts";
import { changeEvent, tell } from "./events.ts";
import { applyPatch, type RecordChange, spentBy } from "./patch.ts";

/** Decides on a change of a record, at the store's time; `undefined` leaves the record as it is. */
export type Decide = (record: ComputeRecord, now: Date) => RecordChange | undefined;

/** Options of a change. */
export interface ChangeOptions {
  /** Limits that hold for the changed record. */
  readonly limits?: Limits | undefined;
  /** The record as the caller read it just now, which saves the first read. If it is not the newest, the store refuses the write, and it is read again. */
  readonly known?: Snapshot | undefined;
}

/**
 * Changes a record. `decide` runs again each time another writer came first.
 * @returns the record after the change, or as it was left.
 * @throws NOT_FOUND when there is no such compute.
 */
export async function changeRecord(
  context: Context,
  id: string,
  decide: Decide,
  { limits, known }: ChangeOptions = {},
): Promise<ComputeRecord> {
  let first = known;
  return compareAndSwap(
    { clock: context.clock, what: `compute ${id}`, facts: { computeId: id } },
    async () => {
      const { record, now } = first ?? (await loadRecord(context, id));
      first = undefined;
      const change = decide(record, now);
      if (change === undefined) return record;
      const next = applyPatch(record, change.patch, now);
      const event = changeEvent(record, next, change);
      const replacing = { limits, before: record, spent: spentBy(record, next) };
      if (!(await context.store.replace(next, event, replacing))) return undefined;
      tell(context, next, event);
      return next;
    },
  );
}

/** Reads a record. @throws NOT_FOUND */
export async function loadRecord({ store, namespace }: Context, id: string): Promise<Snapshot> {
  const snapshot = isComputeId(id) ? await store.get(namespace, id) : undefined;
  if (snapshot !== undefined) return snapshot;
  throw new AtlasError("NOT_FOUND", `there is no compute ${describe(id)} in namespace ${namespace}`);
}
