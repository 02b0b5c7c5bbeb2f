import type { Clock } from "../../clock.ts";
import { pause } from "../../internal/pause.ts";
import { persist, StepFailedError } from "./persist.ts";

const LOOK_SECONDS = 30;

/** The parts that a dead man's switch needs. */
export interface DeadManSwitchOptions {
  /** The deadline in milliseconds since 1970, or null for none. */
  readonly deadline: number | null;
  /** The longest time without contact with the control plane; null for no limit. */
  readonly unreachableSeconds: number | null;
  /** Ends the pod, or resolves with the reason of a failure. The switch repeats it, because a pod that stays costs money. */
  readonly end: () => Promise<string | undefined>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** Ends the pod when its control plane can no longer do so. */
export class DeadManSwitch {
  /** Resolves when the provider has accepted the end of the pod, or when the guard has closed. */
  readonly done: Promise<void>;
  readonly #options: DeadManSwitchOptions;
  #deadline: number | null;
  /** The time of the first failure. The last success would not do: a suspended machine may wake hours after it. */
  #failingSince: number | undefined;
  #isRejected = false;

  constructor(options: DeadManSwitchOptions) {
    this.#options = options;
    this.#deadline = options.deadline;
    this.done = this.#watch();
  }

  /** Moves the deadline, in milliseconds since 1970; null removes it. */
  setDeadline(deadline: number | null): void {
    this.#deadline = deadline;
  }

  /** Notes a call to the control plane, which reached it or not. */
  noteContact(reached: boolean): void {
    this.#failingSince = reached ? undefined : (this.#failingSince ?? this.#now());
  }

  /** Notes that the control plane no longer accepts this pod's credential: the compute has ended. */
  noteRejection(): void {
    this.#isRejected = true;
  }

  async #watch(): Promise<void> {
    const { clock, signal } = this.#options;
    let reason = this.#reasonToEnd();
    while (!signal.aborted && reason === undefined) {
      await pause(clock, this.#secondsToNextLook(), signal);
      reason = this.#reasonToEnd();
    }
    if (reason !== undefined) await this.#end(reason);
  }

  #reasonToEnd(): string | undefined {
    const { unreachableSeconds } = this.#options;
    if (this.#deadline !== null && this.#now() >= this.#deadline) return "its deadline has passed";
    if (this.#isRejected) return "the control plane rejects its credential";
    if (unreachableSeconds === null || this.#failingSince === undefined) return undefined;
    const isGone = this.#now() - this.#failingSince >= unreachableSeconds * 1000;
    return isGone ? "the control plane is gone" : undefined;
  }

  async #end(reason: string): Promise<void> {
    const { end, clock, signal, log } = this.#options;
    await persist({ clock, signal }, async () => {
      log(`Ending this pod: ${reason}.`);
      const failure = await end();
      if (failure === undefined) return;
      log(`This pod could not be ended (${failure}). The guard tries again.`);
      throw new StepFailedError(failure);
    });
  }

  #secondsToNextLook(): number {
    const untilDeadline = this.#deadline === null ? LOOK_SECONDS : (this.#deadline - this.#now()) / 1000;
    return Math.max(0, Math.min(LOOK_SECONDS, untilDeadline));
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}
