import type { Clock } from "../../clock.ts";
import { backoffSeconds } from "../../internal/backoff.ts";
import { retry } from "../../internal/retry.ts";

/** The pauses between tries. Chance shortens each by up to a quarter, so that many pods do not call at the same moment. */
const BACKOFF = { firstSeconds: 15, maxSeconds: 60, jitter: 0.25 };

/** Thrown by a step that has to run again. */
export class StepFailedError extends Error {}

/**
 * Repeats a step until it succeeds. Resolves with `undefined` when the signal aborts first.
 * @throws every error of the step but a StepFailedError
 */
export async function persist<Result>(
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  step: () => Promise<Result>,
): Promise<Result | undefined> {
  const waitSeconds = (error: unknown, failures: number): number | undefined =>
    error instanceof StepFailedError ? backoffSeconds(BACKOFF, failures) : undefined;
  try {
    return signal.aborted ? undefined : await retry({ clock, signal, waitSeconds }, step);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
