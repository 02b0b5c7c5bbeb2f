/** A change of a stored record that another writer may change at the same time: read, decide, write if it is still the same. */
import type { Clock } from "../clock.ts";
import { AtlasError } from "../errors.ts";
import { backoffSeconds } from "./backoff.ts";

const MAX_TRIES = 50;
const PAUSE = { firstSeconds: 0.001, maxSeconds: 0.25, jitter: 1 };

/** The record that a loop changes. */
export interface Contended {
  readonly clock: Clock;
  /** Names the record in the error. */
  readonly what: string;
  /** Goes into the error. */
  readonly facts?: { readonly computeId?: string };
}

/**
 * Repeats a step until it has written. The pauses grow and are random, so that writers that collided once do not collide again.
 * @param step answers `undefined` when another writer came first
 * @throws CONFLICT after fifty collisions
 */
export async function compareAndSwap<Result>(
  { clock, what, facts }: Contended,
  step: () => Promise<Result | undefined>,
): Promise<Result> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const result = await step();
    if (result !== undefined) return result;
    await clock.sleep(backoffSeconds(PAUSE, tries) * 1000);
  }
  throw new AtlasError("CONFLICT", `too many callers change ${what} at once; try again`, {
    ...facts,
    retryable: true,
  });
}
