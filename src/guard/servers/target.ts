import { connect } from "node:net";
import type { Clock } from "../../clock.ts";
import { pause } from "../../internal/pause.ts";

/** The time between two tries to connect, on this machine. */
const LOOK_SECONDS = 0.1;

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

/** The host to connect to: an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** The port to connect to. */
export function portOf({ port, protocol }: URL): number {
  return Number(port || (protocol === "https:" ? 443 : 80));
}

function isListening(target: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostOf(target), port: portOf(target), timeout: 5000 });
    const end = (listens: boolean): void => {
      socket.destroy();
      resolve(listens);
    };
    socket.on("connect", () => end(true));
    socket.on("timeout", () => end(false));
    socket.on("error", () => end(false));
  });
}
