/** Loads the lifecycle at the first call, so that importing the package stays cheap. */

/** Every step of a compute's life. */
export type Lifecycle = typeof import("./lifecycle/index.ts");

let loading: Promise<Lifecycle> | undefined;

/** Loads the lifecycle, once. */
export function loadLifecycle(): Promise<Lifecycle> {
  loading ??= import("./lifecycle/index.ts");
  return loading;
}
