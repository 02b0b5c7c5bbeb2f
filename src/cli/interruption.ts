/** The end of a command that follows something: Ctrl-C, or a signal of the system. */
import type { CliWorld } from "./world.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A signal that aborts at the first of these signals. Further ones do nothing until it is disposed of, so that an end under way is not cut off. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

/** Listens for a signal of the system. */
export function interruption({ signals, stderr }: CliWorld, notice?: string): Interruption {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (!controller.signal.aborted && notice !== undefined) stderr(`${notice}\n`);
    controller.abort();
  };
  for (const signal of SIGNALS) signals.on(signal, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const signal of SIGNALS) signals.off(signal, onSignal);
    },
  };
}
