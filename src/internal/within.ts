import type { Clock } from "../clock.ts";
import { aborted, abortWith } from "./abort.ts";
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

/** The reason of an abort that no caller sees: a string, because an `Error` would collect a stack trace each time. */
const OVER = "over";

/**
 * Runs work under a time limit and the caller's signal. The signal that the work receives aborts when the time is over, when the caller
 * gives up, and when the work has answered, which ends the transfer of a body that was not read.
 * @throws the limit's error when the time is over, the signal's reason when the caller gave up
 */
export async function within<Result>(
  { clock, seconds, signal, error }: Limit,
  work: (signal: AbortSignal) => Promise<Result> | Result,
): Promise<Result> {
  const over = new AbortController();
  const release = abortWith(over, signal);
  const answered = new AbortController();
  if (seconds !== undefined) void expire(clock, seconds, over, answered.signal, error);
  try {
    over.signal.throwIfAborted();
    return await Promise.race([work(over.signal), aborted(over.signal)]);
  } catch (failure) {
    throw over.signal.aborted ? over.signal.reason : failure;
  } finally {
    release();
    answered.abort(OVER);
    over.abort(OVER);
  }
}

async function expire(
  clock: Clock,
  seconds: number,
  over: AbortController,
  answered: AbortSignal,
  error: () => Error,
): Promise<void> {
  await pause(clock, seconds, answered);
  if (!answered.aborted) over.abort(error());
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
    came.abort(OVER);
  }
}
