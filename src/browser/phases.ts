import type { ComputeSnapshot } from "../compute-json.ts";

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

/** The facts from which the phase follows. */
export interface PhaseFacts {
  /** The compute as the control plane answered it last. */
  readonly compute?: ComputeSnapshot | undefined;
  /** True while a request for the compute is under way. */
  readonly isOpening?: boolean;
  /** True after the pod has answered for this compute. */
  readonly hasAnswered?: boolean;
  /** True while the control plane cannot be reached. */
  readonly isOffline?: boolean;
  /** True after the request for the compute was refused for good. */
  readonly isRefused?: boolean;
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

/** Reasons of an end that its user did not ask for and should read. */
const FAILURES = /^(boot_timeout|failed|exited|abandoned)$/;

/** The phase that follows from these facts. Pure: the tests hold its whole table. */
export function phaseOf(facts: PhaseFacts, millisecondsLeft?: number): SessionPhase {
  const phase = onlinePhase(facts, millisecondsLeft);
  return facts.isOffline && !/^(ended|failed)$/.test(phase) ? "offline" : phase;
}

function onlinePhase(
  { compute, isOpening, hasAnswered, isRefused }: PhaseFacts,
  millisecondsLeft?: number,
): SessionPhase {
  if (isRefused) return "failed";
  if (!compute) return isOpening ? "placing" : "none";
  const phase = PHASES[compute.status];
  if (phase === "ended" && FAILURES.test(`${compute.reason}`)) return "failed";
  if (phase !== "starting" || !hasAnswered) return phase;
  const endsSoon = millisecondsLeft !== undefined && millisecondsLeft <= compute.warnBeforeEndSeconds * 1000;
  return endsSoon ? "ending-soon" : "ready";
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
