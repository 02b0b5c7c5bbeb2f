import type { Clock } from "../../clock.ts";
import { pause } from "../../internal/pause.ts";
import { retrySeconds } from "./retry-seconds.ts";

const LOOK_SECONDS = 30;
const PROBE_SECONDS = 60;

/** What a dead man's switch needs. */
export interface DeadManSwitchOptions {
  /** Milliseconds since 1970, or null for none. */
  readonly deadline: number | null;
  /** For how long the control plane may be unreachable; null: as long as it likes. */
  readonly unreachableSeconds: number | null;
  /** Whether the control plane is there. Asked only when nothing else spoke with it for a minute. */
  readonly probe: (() => Promise<boolean>) | undefined;
  /** Ends the pod; answers why that failed. Tried until it works, because a pod that stays costs money. */
  readonly end: () => Promise<string | undefined>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** Ends the pod when nobody else will. */
export class DeadManSwitch {
  /** Resolves when the pod was told to end, or the guard closed. */
  readonly done: Promise<void>;
  readonly #options: DeadManSwitchOptions;
  #deadline: number | null;
  #lastContact: number;
  /** Counted from the first failure, not from the last success: a machine that was suspended wakes up hours later. */
  #failingSince: number | undefined;
  #isRejected = false;

  constructor(options: DeadManSwitchOptions) {
    this.#options = options;
    this.#deadline = options.deadline;
    this.#lastContact = this.#now();
    this.done = this.#watch();
  }

  /** Moves the deadline, in milliseconds since 1970; null takes it away. */
  setDeadline(deadline: number | null): void {
    this.#deadline = deadline;
  }

  /** The control plane was called, and was there or not. */
  noteContact(reached: boolean): void {
    this.#lastContact = this.#now();
    this.#failingSince = reached ? undefined : (this.#failingSince ?? this.#lastContact);
  }

  /** The control plane accepts this pod's credential no more: its compute has ended. */
  noteRejection(): void {
    this.#isRejected = true;
  }

  async #watch(): Promise<void> {
    const { clock, signal } = this.#options;
    let reason = await this.#look();
    while (!signal.aborted && reason === undefined) {
      await pause(clock, this.#secondsToNextLook(), signal);
      reason = await this.#look();
    }
    if (reason !== undefined) await this.#end(reason);
  }

  async #look(): Promise<string | undefined> {
    const { probe, unreachableSeconds } = this.#options;
    const isDue = this.#now() - this.#lastContact >= PROBE_SECONDS * 1000;
    if (probe !== undefined && unreachableSeconds !== null && isDue) this.noteContact(await probe());
    return this.#reasonToEnd();
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
    for (let failures = 0; !signal.aborted; failures += 1) {
      log(`Ending this pod: ${reason}.`);
      const failure = await end();
      if (failure === undefined) return;
      log(`This pod could not be ended (${failure}); trying on.`);
      await pause(clock, retrySeconds(failures), signal);
    }
  }

  #secondsToNextLook(): number {
    const untilDeadline = this.#deadline === null ? LOOK_SECONDS : (this.#deadline - this.#now()) / 1000;
    return Math.max(0, Math.min(LOOK_SECONDS, untilDeadline));
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}
