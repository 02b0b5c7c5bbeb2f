/** The change that writes the warning of a planned end. Pure. */
import type { ComputeRecord } from "../../store.ts";
import { plannedEnd, warnAt } from "./ending.ts";
import type { RecordChange } from "./patch.ts";
import { isPast } from "./time.ts";

/** Writes the warning, which is due once for each value of the deadline: the record keeps the value, in the same step as the event. */
export function warning(record: ComputeRecord, now: Date): RecordChange | undefined {
  const ending = plannedEnd(record);
  if (ending === undefined || !isPast(warnAt(record), now)) return undefined;
  const { at, reason } = ending;
  return {
    patch: { warnedEnd: at },
    event: { type: "ending-soon", data: { at: at.toISOString(), reason } },
  };
}
