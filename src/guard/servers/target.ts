import { connect } from "node:net";
import type { Clock } from "../../clock.ts";
import { pause } from "../../internal/pause.ts";

const LOOK_SECONDS = 0.25;

/** Watches the server behind the proxy until it listens. */
export class TargetWatch {
  readonly #target: URL;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #isListening = false;

  constructor(target: URL, clock: Clock, signal: AbortSignal) {
    this.#target = target;
    this.#clock = clock;
    this.#signal = signal;
    void this.#wait();
  }

  /** True when the server listened at the last look. */
  get isListening(): boolean {
    return this.#isListening;
  }

  /** Notes a refused connection: the server is starting again. */
  noteRefusal(): void {
    if (!this.#isListening) return;
    this.#isListening = false;
    void this.#wait();
  }

  async #wait(): Promise<void> {
    while (!this.#signal.aborted && !(await isListening(this.#target)))
      await pause(this.#clock, LOOK_SECONDS, this.#signal);
    this.#isListening = !this.#signal.aborted;
  }
}

function isListening({ hostname, port, protocol }: URL): Promise<boolean> {
  const number = Number(port || (protocol === "https:" ? 443 : 80));
  return new Promise((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: number, timeout: 5000 });
    const end = (listens: boolean): void => {
      socket.destroy();
      resolve(listens);
    };
    socket.on("connect", () => end(true));
    socket.on("timeout", () => end(false));
    socket.on("error", () => end(false));
  });
}
