import type { Clock } from "../../clock.ts";
import { pause } from "../../internal/pause.ts";
import type { Contact } from "./contact.ts";
import type { ControlPlaneClient } from "./control-plane.ts";
import type { SignKind } from "./heartbeat.ts";
import { persist, StepFailedError } from "./persist.ts";

/** The time between two looks at a flag of this process. */
const READY_LOOK_SECONDS = 0.05;

/** The clock and the signal of a report. */
interface Times {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Makes the function that sends signs of life. It tries until the control plane has taken them, or has rejected the pod's credential. */
export function createReporter(contact: Contact, times: Times): (signs: SignKind[]) => Promise<void> {
  return async (signs) => {
    await persist(times, async () => {
      const { kind } = await contact.send(signs);
      if (kind === "unreachable" || kind === "limited") throw new StepFailedError(kind);
    });
  };
}

/** Waits until the server is ready and reports it once, so that a page that waits for the pod hears of it at once. */
export async function reportWhenReady(
  client: ControlPlaneClient,
  isReady: () => boolean,
  { clock, signal }: Times,
): Promise<void> {
  while (!signal.aborted && !isReady()) await pause(clock, READY_LOOK_SECONDS, signal);
  await persist({ clock, signal }, async () => {
    if (!(await client.reportReady(signal))) throw new StepFailedError("not taken");
  });
}
