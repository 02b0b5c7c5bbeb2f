import type { Clock } from "../clock.ts";
import { pause } from "../internal/pause.ts";
import { type ControlPlaneClient, readAnswer } from "./control-plane.ts";
import type { HeartbeatAnswer, SignKind } from "./heartbeat.ts";
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
}

/** What sends one heartbeat, and tries until the control plane has answered it or refused it. */
export function createReporter(options: ReporterOptions): (signs: SignKind[]) => Promise<void> {
  const { clock, signal, log, onContact } = options;
  return async (signs) => {
    for (let failures = 0; !signal.aborted; failures += 1) {
      const why = await sendOnce(signs, options);
      if (signal.aborted) return;
      onContact(why === undefined);
      if (why === undefined) return;
      if (failures === 0) log(`The control plane does not answer heartbeats (${why}); trying on.`);
      await pause(clock, retrySeconds(failures), signal);
    }
  };
}

/** Why it failed, or `undefined` when the control plane has spoken. */
async function sendOnce(signs: SignKind[], options: ReporterOptions): Promise<string | undefined> {
  const { client, signal, log, onAnswer } = options;
  const outcome = await client.heartbeat({ signs }, signal);
  if (outcome.kind === "unreachable") return outcome.why;
  if (outcome.kind === "refused") {
    log(`The control plane refused a heartbeat with status ${outcome.status}.`);
    return undefined;
  }
  const answer = readAnswer(outcome.body);
  if (answer === undefined) return "an answer that is none";
  onAnswer(answer);
  return undefined;
}
