import type { Clock } from "../../clock.ts";
import { pause } from "../../internal/pause.ts";
import { type ControlPlaneClient, type Outcome, readAnswer } from "./control-plane.ts";
import { HEARTBEAT_SECONDS, type HeartbeatAnswer, type SignKind } from "./heartbeat.ts";
import { retrySeconds } from "./retry-seconds.ts";

/** What reports signs of life needs. */
export interface ReporterOptions {
  readonly client: ControlPlaneClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** What the control plane answered. */
  readonly onAnswer: (answer: HeartbeatAnswer) => void;
  /** Whether the control plane was there, told after every call. */
  readonly onContact: (reached: boolean) => void;
  /** It rejected the pod's credential, and again a minute later. Without it nobody asks again. */
  readonly onRejection: (() => void) | undefined;
}

/** What reports signs of life: a heartbeat, and one more to make sure when the pod's credential was rejected. */
export function createReporter(options: ReporterOptions): (signs: SignKind[]) => Promise<void> {
  const { clock, signal, onRejection } = options;
  return async (signs) => {
    const isRejected = await deliver(signs, options);
    if (!isRejected || onRejection === undefined) return;
    await pause(clock, HEARTBEAT_SECONDS, signal);
    if (await deliver(signs, options)) onRejection();
  };
}

/** Tries until the control plane has answered or refused a heartbeat. Whether it rejected the pod's credential. */
async function deliver(signs: SignKind[], options: ReporterOptions): Promise<boolean> {
  const { clock, signal, log, onContact } = options;
  for (let failures = 0; !signal.aborted; failures += 1) {
    const outcome = await sendOnce(signs, options);
    if (signal.aborted) break;
    onContact(outcome.kind !== "unreachable");
    if (outcome.kind !== "unreachable") return outcome.kind === "rejected";
    if (failures === 0) log(`The control plane does not answer heartbeats (${outcome.why}); trying on.`);
    await pause(clock, retrySeconds(failures), signal);
  }
  return false;
}

async function sendOnce(signs: SignKind[], options: ReporterOptions): Promise<Outcome> {
  const { client, signal, log, onAnswer } = options;
  const outcome = await client.heartbeat({ signs }, signal);
  if (outcome.kind === "unreachable") return outcome;
  if (outcome.kind !== "answered") {
    log(`The control plane refused a heartbeat with status ${outcome.status}.`);
    return outcome;
  }
  const answer = readAnswer(outcome.body);
  if (answer === undefined) return { kind: "unreachable", why: "an answer that is none" };
  onAnswer(answer);
  return outcome;
}
