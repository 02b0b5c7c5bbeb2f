import type { Clock } from "../../clock.ts";
import { pause } from "../../internal/pause.ts";
import { HEARTBEAT_SECONDS, type SignKind } from "./heartbeat.ts";

/** The parts that a collector of signs of life needs. */
export interface SignsOfLifeOptions {
  readonly kinds: ReadonlySet<SignKind>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Reports the signs since the last report. The collector waits for it before it calls it again. */
  readonly report: (signs: SignKind[]) => Promise<void>;
}

/** Collects signs of life, and reports them once a minute at most. Without signs and open sockets no timer runs. */
export class SignsOfLife {
  readonly #options: SignsOfLifeOptions;
  readonly #seen = new Set<SignKind>();
  readonly #watched = new Map<() => number, number>();
  #running: Promise<void> | undefined;

  constructor(options: SignsOfLifeOptions) {
    this.#options = options;
  }

  /** Notes a sign of life. */
  see(kind: SignKind): void {
    if (!this.#options.kinds.has(kind)) return;
    this.#seen.add(kind);
    this.#wake();
  }

  /** Watches an open socket by the number of its bytes, until the returned function is called. */
  watch(countBytes: () => number): () => void {
    if (!this.#options.kinds.has("sockets")) return () => {};
    this.#watched.set(countBytes, countBytes());
    this.#wake();
    return () => {
      this.#watched.delete(countBytes);
    };
  }

  /** Resolves when the last report has ended. */
  async settled(): Promise<void> {
    await this.#running;
  }

  #wake(): void {
    if (!this.#options.signal.aborted) this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    const { clock, signal, report } = this.#options;
    do {
      if (this.#seen.size > 0) await report(this.#takeSeen());
      await pause(clock, HEARTBEAT_SECONDS, signal);
      if (this.#haveSocketsMoved()) this.#seen.add("sockets");
    } while (!signal.aborted && this.#seen.size + this.#watched.size > 0);
    this.#running = undefined;
  }

  #takeSeen(): SignKind[] {
    const signs = [...this.#seen];
    this.#seen.clear();
    return signs;
  }

  /** True when a watched socket has carried a byte since the last look. */
  #haveSocketsMoved(): boolean {
    let moved = false;
    for (const [countBytes, before] of this.#watched) {
      const now = countBytes();
      moved ||= now !== before;
      this.#watched.set(countBytes, now);
    }
    return moved;
  }
}
