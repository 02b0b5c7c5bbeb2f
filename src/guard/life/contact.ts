import type { Clock } from "../../clock.ts";
import type { Standing } from "../verdict/state.ts";
import type { ControlPlaneClient, HeartbeatOutcome } from "./control-plane.ts";
import { HEARTBEAT_SECONDS, type HeartbeatAnswer, type SignKind } from "./heartbeat.ts";

const MAX_SKEW_SECONDS = 30;
/** Two rejections that are nearly a minute apart count: timers are not exact. */
const REJECTED_SECONDS = HEARTBEAT_SECONDS - 1;

/** The parts that the contact with a control plane needs. */
export interface ContactOptions {
  readonly client: ControlPlaneClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** The id of this pod's compute; null where the pod does not know it. */
  readonly computeId: string | null;
  /** Takes each answer. */
  readonly onAnswer: (answer: HeartbeatAnswer) => void;
  /** Called after every call with true when the control plane was there. */
  readonly onContact: (reached: boolean) => void;
  /** Called when the control plane has rejected the pod's credential twice, a minute apart. */
  readonly onRejection: () => void;
}

/** The contact with the control plane: sends heartbeats, believes only answers for this pod, and knows where the guard stands. */
export class Contact {
  readonly #options: ContactOptions;
  #standing: Standing = "starting";
  #revision = 0;
  #failures = 0;
  #lastCall: number | undefined;
  #rejectedAt: number | undefined;
  #isSkewed = false;

  constructor(options: ContactOptions) {
    this.#options = options;
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** The calls without an answer since the last one with an answer. */
  get failures(): number {
    return this.#failures;
  }

  /** The time of the last call, in milliseconds since 1970; `undefined` before the first one. */
  get lastCall(): number | undefined {
    return this.#lastCall;
  }

  /** The time of the first of the last rejections; `undefined` when the last call was none. */
  get rejectedAt(): number | undefined {
    return this.#rejectedAt;
  }

  /** Sends a heartbeat, and takes its answer. Never throws. */
  async send(signs: readonly SignKind[]): Promise<HeartbeatOutcome> {
    const { client, signal } = this.#options;
    this.#lastCall = this.#now();
    const outcome = this.#believed(await client.heartbeat({ signs }, signal));
    if (!signal.aborted) this.#note(outcome);
    return outcome;
  }

  /** Another pod's answer, or an old one, says nothing about this pod. */
  #believed(outcome: HeartbeatOutcome): HeartbeatOutcome {
    if (outcome.kind !== "answered") return outcome;
    const { computeId, revision } = outcome.answer;
    const own = this.#options.computeId;
    if (own !== null && computeId !== own)
      return { kind: "unreachable", why: "an answer for another compute" };
    return revision < this.#revision ? { kind: "unreachable", why: "an old answer" } : outcome;
  }

  #note(outcome: HeartbeatOutcome): void {
    const { onAnswer, onContact } = this.#options;
    onContact(outcome.kind !== "unreachable");
    if (outcome.kind === "answered") {
      this.#settle(outcome.answer);
      onAnswer(outcome.answer);
      return;
    }
    this.#failures += 1;
    if (outcome.kind === "rejected") this.#noteRejection();
    else this.#logFailure(outcome);
    if (outcome.kind === "limited") this.#rejectedAt = undefined;
  }

  #settle({ revision, now }: HeartbeatAnswer): void {
    this.#standing = "settled";
    this.#revision = revision;
    this.#failures = 0;
    this.#rejectedAt = undefined;
    const seconds = Math.round((Date.parse(now) - this.#now()) / 1000);
    const isSkewed = Math.abs(seconds) > MAX_SKEW_SECONDS;
    if (isSkewed && !this.#isSkewed)
      this.#options.log(`The clock of this pod differs from the control plane's by ${seconds} s.`);
    this.#isSkewed = isSkewed;
  }

  /** One rejection may be an error of a moment; a second one, a minute later, ends what the guard accepts. */
  #noteRejection(): void {
    const now = this.#now();
    this.#rejectedAt ??= now;
    if (this.#rejectedAt === now)
      this.#options.log("The control plane rejects this pod's credential. The guard asks again in a minute.");
    if (now - this.#rejectedAt < REJECTED_SECONDS * 1000 || this.#standing === "rejected") return;
    this.#standing = "rejected";
    this.#options.log("The control plane no longer knows this pod. The guard refuses every credential.");
    this.#options.onRejection();
  }

  #logFailure(outcome: HeartbeatOutcome): void {
    if (this.#failures !== 1) return;
    const why = outcome.kind === "unreachable" ? outcome.why : "a rate limit";
    this.#options.log(`The control plane does not answer (${why}). The guard tries again.`);
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}
