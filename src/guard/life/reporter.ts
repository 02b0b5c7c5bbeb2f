import type { Clock } from "../../clock.ts";
import { pause } from "../../internal/pause.ts";
import { type ControlPlaneClient, type HeartbeatOutcome, readAnswer } from "./control-plane.ts";
import { HEARTBEAT_SECONDS, type HeartbeatAnswer, type SignKind } from "./heartbeat.ts";
import { persist, StepFailedError } from "./persist.ts";

/** The parts that a reporter of signs of life needs. */
export interface ReporterOptions {
  readonly client: ControlPlaneClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Takes each answer of the control plane. */
  readonly onAnswer: (answer: HeartbeatAnswer) => void;
  /** Called after every call with true when the control plane was there. */
  readonly onContact: (reached: boolean) => void;
  /** Called when the control plane has rejected the pod's credential twice, a minute apart. Absent: the reporter asks once. */
  readonly onRejection: (() => void) | undefined;
}

/** Makes the function that sends a heartbeat, and a second one to make sure when the control plane rejects the pod's credential. */
export function createReporter(options: ReporterOptions): (signs: SignKind[]) => Promise<void> {
  const { clock, signal, onRejection } = options;
  return async (signs) => {
    const isRejected = await deliver(signs, options);
    if (!isRejected || onRejection === undefined) return;
    await pause(clock, HEARTBEAT_SECONDS, signal);
    if (await deliver(signs, options)) onRejection();
  };
}

/** Tries until the control plane has answered or refused a heartbeat. True when it rejected the pod's credential. */
async function deliver(signs: SignKind[], options: ReporterOptions): Promise<boolean> {
  const { signal, log, onContact } = options;
  let failures = 0;
  const outcome = await persist(options, async () => {
    const sent = await sendOnce(signs, options);
    if (signal.aborted) return undefined;
    onContact(sent.kind !== "unreachable");
    if (sent.kind !== "unreachable") return sent;
    failures += 1;
    if (failures === 1)
      log(`The control plane does not answer heartbeats (${sent.why}). The guard tries again.`);
    throw new StepFailedError(sent.why);
  });
  return outcome?.kind === "rejected";
}

async function sendOnce(signs: SignKind[], options: ReporterOptions): Promise<HeartbeatOutcome> {
  const { client, signal, log, onAnswer } = options;
  const outcome = await client.heartbeat({ signs }, signal);
  if (outcome.kind === "unreachable") return outcome;
  if (outcome.kind !== "answered") {
    log(`The control plane refused a heartbeat with status ${outcome.status}.`);
    return outcome;
  }
  const answer = readAnswer(outcome.body);
  if (answer === undefined) return { kind: "unreachable", why: "an unreadable answer" };
  onAnswer(answer);
  return outcome;
}
