/** The client's short notes, which the control plane keeps in its store. */
import type { Context } from "./lifecycle/context.ts";

/** The part of a client that keeps notes. */
export abstract class AtlasNotes {
  readonly #context: Context;

  /** @internal */
  constructor(context: Context) {
    this.#context = context;
  }

  /** Keeps a value under a name for some seconds and returns the first one that was kept: see `Store.remember`. @internal */
  remember(name: string, value: string, seconds: number): Promise<string> {
    const { store, namespace } = this.#context;
    return store.remember({ namespace, name, value, seconds });
  }
}
