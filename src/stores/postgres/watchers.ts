/** The watchers of new events, which share one connection. */

/** Callbacks. The connection is open while there is at least one. */
export class Watchers {
  readonly #listen: (heard: () => void) => Promise<AsyncDisposable>;
  readonly #callbacks = new Set<() => void>();
  #listening: Promise<AsyncDisposable> | undefined;

  /** `listen` opens the connection. The first watcher causes it, and the last one disposes of its result. */
  constructor(listen: (heard: () => void) => Promise<AsyncDisposable>) {
    this.#listen = listen;
  }

  /** Adds a watcher. Disposing the result removes it. */
  async add(onChange: () => void): Promise<AsyncDisposable> {
    const callback = (): void => onChange();
    this.#callbacks.add(callback);
    this.#listening ??= this.#listen(() => this.#call());
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

  #call(): void {
    for (const callback of this.#callbacks) callback();
  }
}
