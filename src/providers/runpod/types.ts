/** The type of the provider that `runpod()` makes. */

import type { CallContext } from "../../call-context.ts";
import type { JobRunner } from "../../job-runner.ts";
import type { InstanceReference, Provider } from "../../provider.ts";

/** The methods that RunPod has beyond the contract of a provider. */
export interface RunpodExtras {
  readonly jobs: JobRunner;
  /**
   * Restarts the pod in place. RunPod wipes its container disk and keeps its volume.
   * @throws NOT_FOUND when there is no such pod, CONFLICT when the pod is not running.
   */
  restart(reference: InstanceReference, context: CallContext): Promise<void>;
}

/** A provider of RunPod pods, with the optional methods that RunPod supports. */
export type RunpodProvider = Provider &
  Required<Pick<Provider, "parseOptions" | "stop" | "start" | "logs" | "listGpuTypes">> &
  RunpodExtras;
