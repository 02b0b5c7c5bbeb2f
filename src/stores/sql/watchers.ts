/** The watchers of new events, which share one listener. */

/** Is called with the id of a compute that has new events, and without one when it can be any. */
export type Heard = (computeId?: string) => void;

/** Callbacks. The listener listens while there is at least one. */
export class Watchers {
  readonly #listen: (heard: Heard) => Promise<AsyncDisposable>;
  readonly #callbacks = new Set<Heard>();
  #listening: Promise<AsyncDisposable> | undefined;

  /** `listen` begins to listen. The first watcher causes it, and the last one disposes of its result. */
  constructor(listen: (heard: Heard) => Promise<AsyncDisposable>) {
    this.#listen = listen;
  }

  /** Adds a watcher. Disposing the result removes it. */
  async add(onChange: Heard): Promise<AsyncDisposable> {
    const callback: Heard = (computeId) => onChange(computeId);
    this.#callbacks.add(callback);
    this.#listening ??= this.#listen((computeId) => this.#call(computeId));
    const listening = this.#listening;
    try {
      await listening;
    } catch (error) {
      this.#callbacks.delete(callback);
      if (this.#listening === listening) this.#listening = undefined;
      throw error;
    }
    return { [Symbol.asyncDispose]: () => this.#remove(callback) };
  }

  /** Removes all watchers. */
  async clear(): Promise<void> {
    this.#callbacks.clear();
    await this.#stop();
  }

  async #remove(callback: () => void): Promise<void> {
    this.#callbacks.delete(callback);
    if (this.#callbacks.size === 0) await this.#stop();
  }

  async #stop(): Promise<void> {
    const listening = this.#listening;
    this.#listening = undefined;
    await (await listening)?.[Symbol.asyncDispose]();
  }

  #call(computeId: string | undefined): void {
    for (const callback of this.#callbacks) callback(computeId);
  }
}
