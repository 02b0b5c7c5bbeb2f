import pRetry from "p-retry";
import type { Clock } from "../clock.ts";

/** How a request is repeated. */
export interface RetryOptions {
  readonly clock: Clock;
  /** Ends the tries and the pauses between them. */
  readonly signal?: AbortSignal | undefined;
  /** How many tries may follow the first one. @default Infinity */
  readonly maxRetries?: number;
  /** The time that all tries and pauses may take together, in seconds; a pause that does not fit does not begin. @default Infinity */
  readonly withinSeconds?: number;
  /** The pause before the next try, in seconds, or `undefined` where the request must not be repeated. */
  waitSeconds(error: unknown, retriesConsumed: number): number | undefined;
}

/**
 * Runs a request until it succeeds or must not be repeated. p-retry counts the tries; its own timer is off, so that every pause is
 * spent on the injected clock.
 * @throws the error of the last try
 */
export function retry<Result>(options: RetryOptions, run: () => Promise<Result>): Promise<Result> {
  const {
    clock,
    signal,
    maxRetries = Number.POSITIVE_INFINITY,
    withinSeconds = Number.POSITIVE_INFINITY,
  } = options;
  const endsAt = clock.now().getTime() + withinSeconds * 1000;
  return pRetry(run, {
    retries: maxRetries,
    minTimeout: 0,
    shouldRetry: async ({ error, retriesConsumed }) => {
      const seconds = signal?.aborted ? undefined : options.waitSeconds(error, retriesConsumed);
      if (seconds === undefined || clock.now().getTime() + seconds * 1000 > endsAt) return false;
      return clock.sleep(seconds * 1000, signal).then(
        () => true,
        () => false,
      );
    },
  });
}
