import type { Clock } from "../clock.ts";
import { pause } from "../internal/pause.ts";

/**
 * What `work` answers, or an error when it takes longer. The signal aborts when either has happened, which
 * also ends the transfer of what was not read.
 */
export async function withinSeconds<Result>(
  clock: Clock,
  { seconds, error }: { readonly seconds: number; readonly error: () => Error },
  work: (signal: AbortSignal) => Promise<Result> | Result,
): Promise<Result> {
  const over = new AbortController();
  const late = pause(clock, seconds, over.signal).then(() => {
    throw error();
  });
  try {
    return await Promise.race([work(over.signal), late]);
  } finally {
    over.abort("over");
  }
}
