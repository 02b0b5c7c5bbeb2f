import type { Clock } from "../clock.ts";
import { aborted, abortWith, UNSEEN } from "./abort.ts";
import { pause } from "./pause.ts";

/** The limits of a piece of work. */
export interface Limit {
  readonly clock: Clock;
  /** The time it may take, in seconds; absent where only the signal ends it. */
  readonly seconds?: number | undefined;
  /** The caller's own signal. */
  readonly signal?: AbortSignal | undefined;
  /** The error of work that takes longer. */
  readonly error: () => Error;
}

/**
 * Runs work under a time limit and the caller's signal. The signal that the work receives aborts when the time is over, when the caller
 * gives up, and when the work has ended, which also stops the transfer of a body that was not read.
 * @throws the limit's error when the time is over, the signal's reason when the caller gave up
 */
export async function within<Result>(
  limit: Limit,
  work: (signal: AbortSignal) => Promise<Result> | Result,
): Promise<Result> {
  const over = new AbortController();
  const release = abortWith(over, limit.signal);
  try {
    over.signal.throwIfAborted();
    void abortWhenLate(limit, over);
    return await Promise.race([work(over.signal), aborted(over.signal)]);
  } catch (failure) {
    throw over.signal.aborted ? over.signal.reason : failure;
  } finally {
    release();
    over.abort(UNSEEN);
  }
}

/** Never rejects: a clock that fails ends the work with the clock's error. */
async function abortWhenLate({ clock, seconds, error }: Limit, over: AbortController): Promise<void> {
  if (seconds === undefined) return;
  try {
    await pause(clock, seconds, over.signal);
    if (!over.signal.aborted) over.abort(error());
  } catch (failure) {
    over.abort(failure);
  }
}

/** The promise's value, or `undefined` when it takes longer. */
export async function orAfter<Value>(
  clock: Clock,
  seconds: number,
  promise: Promise<Value>,
): Promise<Value | undefined> {
  const came = new AbortController();
  const late = pause(clock, seconds, came.signal).then(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    came.abort(UNSEEN);
  }
}
