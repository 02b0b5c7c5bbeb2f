/** Waking the readers in this process after a write of this process, so that they need not wait for their next poll. */
import type { Store } from "../../store.ts";

type Listener = (computeId: string) => void;

const listeners = new WeakMap<Store, Set<Listener>>();

/** Calls the listener after each event that this process writes, until the result is disposed of. */
export function onWrite(store: Store, listener: Listener): Disposable {
  const own = listeners.get(store) ?? new Set<Listener>();
  listeners.set(store, own.add(listener));
  return { [Symbol.dispose]: () => void own.delete(listener) };
}

/** Tells that an event of a compute was written. */
export function wrote(store: Store, computeId: string): void {
  for (const listener of listeners.get(store) ?? []) listener(computeId);
}
