import type { Clock } from "../../clock.ts";
import { pause } from "../../internal/pause.ts";
import { persist, StepFailedError } from "./persist.ts";

const LOOK_SECONDS = 30;
/** The time without contact that ends a pod, unless an option names another one. */
export const UNREACHABLE_SECONDS = 1800;

/** The parts that a dead man's switch needs. */
export interface DeadManSwitchOptions {
  /** The deadline in milliseconds since 1970, or null for none. */
  readonly deadline: number | null;
  /** True where a control plane may have moved the deadline. */
  readonly isMovable: boolean;
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
    this.#deadline = this.#firstDeadline();
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
      const before = this.#now();
      await pause(clock, this.#secondsToNextLook(), signal);
      this.#forgiveSuspension(before);
      reason = this.#reasonToEnd();
    }
    if (reason !== undefined) await this.#end(reason);
  }

  /** Gives the control plane the time to tell of an extension: a pod that restarts has only the deadline that it was made with. */
  #firstDeadline(): number | null {
    const { deadline, isMovable, unreachableSeconds } = this.#options;
    if (deadline === null || !isMovable) return deadline;
    return Math.max(deadline, this.#now() + (unreachableSeconds ?? UNREACHABLE_SECONDS) * 1000);
  }

  /** Begins an outage anew when much more time has passed than a look lasts: the machine was suspended, or its clock was set. */
  #forgiveSuspension(before: number): void {
    const now = this.#now();
    if (this.#failingSince !== undefined && now - before > 2 * LOOK_SECONDS * 1000) this.#failingSince = now;
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
