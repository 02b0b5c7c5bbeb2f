import type { Clock } from "../clock.ts";
import { pause } from "./pause.ts";

/** The rule by which a request is repeated. */
export interface RetryOptions {
  /** Times the pauses. */
  readonly clock: Clock;
  /** Ends the pause and every further try. The first try is always made: the run sees the signal itself and can say that it sent nothing. */
  readonly signal?: AbortSignal | undefined;
  /** The number of tries that may follow the first one. @default Infinity */
  readonly maxRetries?: number | undefined;
  /** The time for all tries and pauses together, in seconds; a pause that does not fit does not begin. @default Infinity */
  readonly withinSeconds?: number | undefined;
  /** The pause before the next try, in seconds, or `undefined` where the request must not be repeated. */
  waitSeconds(error: unknown, retriesConsumed: number): number | undefined;
}

/** Carries the value that a run threw through p-retry, which by itself refuses a `TypeError` and replaces a value that is not an error. */
class FailedTry extends Error {
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    super("a try failed");
    this.thrown = thrown;
  }
}

let loading: Promise<typeof import("p-retry")> | undefined;

/** Loads p-retry ahead of the first request, for a caller that must be able to retry after its files are gone. */
export function loadRetry(): Promise<typeof import("p-retry")> {
  loading ??= import("p-retry");
  return loading;
}

/**
 * Runs a request until it succeeds or must not be repeated. p-retry counts the tries; its own timer is off, so that the injected clock
 * times every pause. p-retry is loaded at the first request.
 * @throws the value that the last try threw, unchanged
 */
export async function retry<Result>(options: RetryOptions, run: () => Promise<Result>): Promise<Result> {
  const endsAt = options.clock.now().getTime() + (options.withinSeconds ?? Number.POSITIVE_INFINITY) * 1000;
  const { default: pRetry } = await loadRetry();
  try {
    return await pRetry(() => carried(run), {
      retries: options.maxRetries ?? Number.POSITIVE_INFINITY,
      minTimeout: 0,
      shouldRetry: ({ error, retriesConsumed }) =>
        pauseBeforeRetry(options, endsAt, thrownBy(error), retriesConsumed),
    });
  } catch (error) {
    throw thrownBy(error);
  }
}

async function carried<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    throw new FailedTry(error);
  }
}

function thrownBy(error: unknown): unknown {
  return error instanceof FailedTry ? error.thrown : error;
}

/** Waits before the next try; `false` when there must be none. */
async function pauseBeforeRetry(
  options: RetryOptions,
  endsAt: number,
  error: unknown,
  retriesConsumed: number,
): Promise<boolean> {
  const { clock, signal } = options;
  const seconds = signal?.aborted ? undefined : options.waitSeconds(error, retriesConsumed);
  if (seconds === undefined || clock.now().getTime() + seconds * 1000 > endsAt) return false;
  await pause(clock, seconds, signal);
  return !signal?.aborted;
}
