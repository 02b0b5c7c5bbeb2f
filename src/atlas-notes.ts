/** The client's parts, and its short notes, which the control plane keeps in its store. */
import type { Context } from "./lifecycle/context.ts";

/** The part of a client that keeps notes and shows its parts. */
export abstract class AtlasNotes {
  readonly #context: Context;

  /** @internal */
  constructor(context: Context) {
    this.#context = context;
  }

  /** The parts of this client: the command line looks at them, also at those of a client that another copy of this package made. @internal */
  parts(): Context {
    return this.#context;
  }

  /** Keeps a value under a name for some seconds and returns the first one that was kept: see `Store.remember`. @internal */
  remember(name: string, value: string, seconds: number): Promise<string> {
    const { store, namespace } = this.#context;
    return store.remember({ namespace, name, value, seconds });
  }
}
