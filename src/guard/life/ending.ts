import type { Clock } from "../../clock.ts";
import { userAgent } from "../../internal/user-agent.ts";
import { within } from "../../internal/within.ts";
import type { Ending } from "./heartbeat.ts";

const TIMEOUT_SECONDS = 10;

/** The parts that the hook of a planned end needs. */
export interface EndingHookOptions {
  /** The address of the server behind, with the hook's path. */
  readonly url: URL;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/**
 * Makes the function that tells the server behind of a planned end: a POST of `{ at, reason }` as JSON, which has 10 seconds and is not
 * repeated. The log has a failure.
 */
export function endingHook({ url, fetch, clock, log }: EndingHookOptions): (ending: Ending) => Promise<void> {
  const error = (): Error => new DOMException(`no answer within ${TIMEOUT_SECONDS} seconds`, "TimeoutError");
  return async (ending) => {
    const headers = { "content-type": "application/json", "user-agent": userAgent };
    const init = { method: "POST", headers, body: JSON.stringify(ending), redirect: "error" } as const;
    try {
      const status = await within({ clock, seconds: TIMEOUT_SECONDS, error }, async (signal) => {
        const response = await fetch(url, { ...init, signal });
        await response.body?.cancel();
        return response.status;
      });
      if (status >= 400) log(`The ending hook ${url.pathname} answered ${status}.`);
    } catch (failure) {
      log(
        `The ending hook ${url.pathname} failed: ${failure instanceof Error ? failure.name : "no answer"}.`,
      );
    }
  };
}
