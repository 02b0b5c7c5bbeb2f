/** The path on which the guard reports that the pod is ready. Without dependencies, so that every part can name it. */

/** Public path of a guarded pod that answers a {@link Readiness} as JSON: 200 when ready, 503 while starting. */
export const READINESS_PATH = "/.well-known/atlas/ready";

/** The answer of {@link READINESS_PATH}. The id tells a pod from a placeholder page, and from another pod. */
export interface Readiness {
  /** The compute's own id, `ATLAS_COMPUTE_ID`; null where the pod does not know it. */
  readonly computeId: string | null;
  readonly status: "ready" | "starting";
  /** `control-plane` while the guard has not yet learned from its control plane which credentials it accepts. */
  readonly waitingFor?: "control-plane";
}
