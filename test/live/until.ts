/** Waiting for real machines. */
import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MILLISECONDS = 3000;

/** Looks every three seconds until the look has a result. @throws Error naming the missing result when the time is over */
export async function until<Result>(
  what: string,
  seconds: number,
  look: () => Promise<Result | undefined>,
): Promise<Result> {
  const end = Date.now() + seconds * 1000;
  for (let found = await look(); ; found = await look()) {
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(PAUSE_MILLISECONDS);
  }
}
