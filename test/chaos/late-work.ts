/** Work that is done when nobody waits for it any more. */
import type { Clock } from "../../src/clock.ts";

type Work = () => Promise<unknown>;

/** Work that is put off. */
export class LateWork {
  readonly #clock: Clock;
  readonly #waiting = new Set<Work>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Does the work after so many seconds, or when {@link doAll} is called. */
  putOff(work: Work, seconds: number): void {
    this.#waiting.add(work);
    void this.#clock.sleep(seconds * 1000).then(() => this.#do(work));
  }

  /** Does now what is put off. */
  async doAll(): Promise<void> {
    for (const work of [...this.#waiting]) await this.#do(work);
  }

  async #do(work: Work): Promise<void> {
    if (this.#waiting.delete(work)) await work();
  }
}
