/** What `runpod()` returns. */

import type { CallContext } from "../../call-context.ts";
import type { JobRunner } from "../../job-runner.ts";
import type { InstanceReference, Provider } from "../../provider.ts";

/** What RunPod has beside the contract of a provider. */
export interface RunpodExtras {
  readonly jobs: JobRunner;
  /**
   * Restarts the pod in place: its container disk is wiped, its volume stays.
   * @throws NOT_FOUND when there is no such pod, CONFLICT when it does not run.
   */
  restart(reference: InstanceReference, context: CallContext): Promise<void>;
}

/** RunPod as a provider, and what of the optional it can do. */
export type RunpodProvider = Provider &
  Required<Pick<Provider, "parseOptions" | "stop" | "start" | "logs" | "listGpuTypes">> &
  RunpodExtras;
