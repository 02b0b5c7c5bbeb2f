import type { Clock } from "../../clock.ts";
import { backoffSeconds } from "../../internal/backoff.ts";
import { pause } from "../../internal/pause.ts";
import type { Contact } from "./contact.ts";
import { HEARTBEAT_SECONDS } from "./heartbeat.ts";

/** The pauses before the first answer: 1, 2, 4, 8, 15 seconds. */
const START = { firstSeconds: 1, maxSeconds: 15 };
/** The pause between calls after that: 45 to 60 seconds, so that many pods do not call at the same moment. */
const REGULAR = { firstSeconds: HEARTBEAT_SECONDS, maxSeconds: HEARTBEAT_SECONDS, jitter: 0.25 };

/** The parts of a schedule. */
export interface ScheduleOptions {
  readonly contact: Contact;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Asks the control plane by time, whatever the traffic is: often until its first answer, then about once a minute. A heartbeat with signs of
 * life is such a call too, and moves the next one. Resolves when the guard closes.
 */
export async function askByTime({ contact, clock, signal }: ScheduleOptions): Promise<void> {
  while (!signal.aborted) {
    await contact.send([]);
    let due = dueAfter(contact);
    while (!signal.aborted && clock.now().getTime() < due) {
      await pause(clock, (due - clock.now().getTime()) / 1000, signal);
      if (contact.standing !== "starting") due = Math.max(due, earliestAfter(contact));
    }
  }
}

/** The time of the next call. After a first rejection it is a minute later. */
function dueAfter(contact: Contact): number {
  const last = contact.lastCall ?? 0;
  if (contact.rejectedAt !== undefined) return last + HEARTBEAT_SECONDS * 1000;
  const seconds =
    contact.standing === "starting"
      ? backoffSeconds(START, contact.failures - 1)
      : backoffSeconds(REGULAR, 0);
  return last + seconds * 1000;
}

/** The earliest time of a call after one that something else caused meanwhile. */
function earliestAfter(contact: Contact): number {
  return (contact.lastCall ?? 0) + HEARTBEAT_SECONDS * (1 - REGULAR.jitter) * 1000;
}
