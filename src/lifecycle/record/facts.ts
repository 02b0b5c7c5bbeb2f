/** Facts that follow from a record. Pure. */
import type { ComputeStatus } from "../../store.ts";

/** True when no other state can follow. */
export function isEnded(status: ComputeStatus): boolean {
  return status === "terminated" || status === "failed";
}

/** True once an end has begun, and after it. */
export function hasBegunToEnd(status: ComputeStatus): boolean {
  return status === "terminating" || isEnded(status);
}
