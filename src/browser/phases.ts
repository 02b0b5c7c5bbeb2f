import type { ComputeSnapshot } from "../compute-json.ts";
import type { ComputeError } from "./request.ts";

/** The phase of a session, as a page shows it. */
export type SessionPhase =
  | "none"
  | "placing"
  | "provisioning"
  | "starting"
  | "ready"
  | "ending-soon"
  | "stopped"
  | "ending"
  | "ended"
  | "failed"
  | "offline";

/** The facts from which the phase follows. Times are milliseconds of the browser's clock. */
export interface PhaseFacts {
  /** The compute as the control plane answered it last. */
  readonly compute?: ComputeSnapshot | undefined;
  /** The time at which the compute was asked for. */
  readonly beganAt?: number;
  /** The planned end; not a number where none is planned. */
  readonly endsAt?: number;
  /** True after the pod has answered for this compute. */
  readonly hasAnswered?: boolean | undefined;
  /** True while the control plane cannot be reached. */
  readonly isOffline?: boolean;
  /** The control plane's refusal, where it is final. */
  readonly error?: ComputeError | undefined;
}

/** The phase of each status. `running` begins as `starting`: only the pod's own answer makes it `ready`. */
const PHASES: Readonly<Record<ComputeSnapshot["status"], SessionPhase>> = {
  pending: "placing",
  uncertain: "placing",
  provisioning: "provisioning",
  running: "starting",
  stopped: "stopped",
  terminating: "ending",
  terminated: "ended",
  failed: "failed",
};

/** The phase that follows from these facts at this time. Pure: the tests hold its whole table. */
export function phaseOf(facts: PhaseFacts, time: number): SessionPhase {
  const { compute, beganAt, endsAt = Number.NaN, hasAnswered, isOffline, error } = facts;
  let phase: SessionPhase = compute ? PHASES[compute.status] : beganAt ? "placing" : "none";
  // An end that the user did not ask for, and should read about.
  const isFailure =
    phase === "ended" && /^(boot_timeout|failed|exited|abandoned)$/.test(`${compute?.reason}`);
  if (error || isFailure) phase = "failed";
  if (compute && phase === "starting" && hasAnswered)
    phase = endsAt - time <= compute.warnBeforeEndSeconds * 1000 ? "ending-soon" : "ready";
  return isOffline && !/^(ended|failed)$/.test(phase) ? "offline" : phase;
}

/** True for phases that end by themselves, when the pod takes requests. */
export function isBooting(phase: SessionPhase): boolean {
  return /^(placing|provisioning|starting)$/.test(phase);
}

/** True for phases in which the pod takes requests. */
export function isUsable(phase: SessionPhase): boolean {
  return /^(ready|ending-soon)$/.test(phase);
}

/** True for phases that no other phase follows, unless the page opens the slot again. */
export function isFinal(phase: SessionPhase): boolean {
  return /^(none|ended|failed)$/.test(phase);
}
