/** The end of a command that follows something: Ctrl-C, a signal of the system, or an output without a reader. */
import type { CliWorld } from "./world.ts";

/** The event that tells that standard output has no reader any more. Its name is no signal's, so that listening changes nothing in the process. */
export const READER_GONE = "atlas-compute: reader gone";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", READER_GONE] as const;

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
