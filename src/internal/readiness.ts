/** Where the guard says whether the pod is ready. Without dependencies, so that every part can name it. */

/** Public path of a guarded pod that answers a {@link Readiness} as JSON: 200 when ready, 503 while starting. */
export const READINESS_PATH = "/.well-known/atlas/ready";

/** What {@link READINESS_PATH} answers. The id tells a pod from a placeholder page, and from another pod. */
export interface Readiness {
  /** The compute's own id, `ATLAS_COMPUTE_ID`; null where the pod was not told. */
  readonly computeId: string | null;
  readonly status: "ready" | "starting";
}
