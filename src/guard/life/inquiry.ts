import type { Clock } from "../../clock.ts";
import { pause } from "../../internal/pause.ts";
import { orAfter } from "../../internal/within.ts";

/** The shortest time between the starts of two questions, so that a flood of invented tokens asks no more often. */
const SPACING_SECONDS = 2;
/** The longest time that a request waits for an answer. */
const WAIT_SECONDS = 5;
/** The most requests that wait at once. */
const MAX_WAITING = 64;

/** The parts that an inquiry needs. */
export interface InquiryOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Asks the control plane. True when it answered. */
  readonly question: () => Promise<boolean>;
}

/** Questions to the control plane about tokens that the list does not have: one at a time, each for all requests that wait. */
export class Inquiry {
  readonly #options: InquiryOptions;
  #waiting = 0;
  /** The requests that wait for the next question to begin. */
  #next: ((isAnswered: boolean) => void)[] = [];
  #isRunning = false;
  #lastStart = Number.NEGATIVE_INFINITY;

  constructor(options: InquiryOptions) {
    this.#options = options;
  }

  /**
   * Waits for a question that begins after this call. True when the control plane answered it in time; false also where too many requests
   * wait already.
   */
  async ask(): Promise<boolean> {
    if (this.#waiting >= MAX_WAITING || this.#options.signal.aborted) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting += 1;
    this.#next.push(resolve);
    try {
      void this.#run();
      return (await orAfter(this.#options.clock, WAIT_SECONDS, promise)) ?? false;
    } finally {
      this.#waiting -= 1;
      this.#next = this.#next.filter((one) => one !== resolve);
    }
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#next.length > 0) await this.#askOnce();
    } finally {
      this.#isRunning = false;
    }
  }

  async #askOnce(): Promise<void> {
    const { clock, signal, question } = this.#options;
    await pause(clock, Math.max(0, this.#lastStart / 1000 + SPACING_SECONDS - this.#now() / 1000), signal);
    const asking = this.#next;
    this.#next = [];
    if (asking.length === 0) return;
    this.#lastStart = this.#now();
    const isAnswered = !signal.aborted && (await question());
    for (const resolve of asking) resolve(isAnswered);
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}
