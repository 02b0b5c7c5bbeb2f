/** The type of the provider that `runpod()` makes. */

import type { CallContext } from "../../call-context.ts";
import type { JobRunner } from "../../job-runner.ts";
import type { InstanceReference, Provider } from "../../provider.ts";

/** The credit of an account. */
export interface RunpodBalance {
  /** US dollars that are left. */
  readonly dollars: number;
  /** US dollars that the whole account spends in an hour now. */
  readonly dollarsPerHour: number;
}

/** The methods that RunPod has beyond the contract of a provider. */
export interface RunpodExtras {
  readonly jobs: JobRunner;
  /**
   * Restarts the pod in place. RunPod wipes its container disk and keeps its volume.
   * @throws NOT_FOUND when there is no such pod, CONFLICT when the pod is not running.
   */
  restart(reference: InstanceReference, context: CallContext): Promise<void>;
  /** The account's credit. RunPod ends pods by itself when none is left. */
  balance(context: CallContext): Promise<RunpodBalance>;
}

/** A provider of RunPod pods, with the optional methods that RunPod supports. */
export type RunpodProvider = Provider &
  Required<Pick<Provider, "parseOptions" | "stop" | "start" | "logs" | "listGpuTypes">> &
  RunpodExtras;
