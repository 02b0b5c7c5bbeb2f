/** What the processes of a run tell each other. */
import type { ChaosFault } from "./faults.ts";

/** What a worker does. */
export type WorkerOperation = "spawn" | "touch" | "terminate" | "reap";

/** What a worker tells. */
export type WorkerMessage =
  | { readonly kind: "done"; readonly operation: WorkerOperation; readonly outcome: string }
  | { readonly kind: "spawned"; readonly computeId: string; readonly secrets: readonly string[] }
  | { readonly kind: "broken"; readonly what: string };

/** What the fake's process is asked for; it answers each with a {@link ProviderMessage}. */
export type ProviderRequest = "heal" | "report";

/** What the fake's process tells. */
export type ProviderMessage =
  | { readonly kind: "listening"; readonly url: string }
  | { readonly kind: "healed" }
  | { readonly kind: "report"; readonly report: ProviderReport };

/** A pod, as only the provider sees it. */
export interface PodReport {
  readonly id: string;
  readonly name: string;
  readonly userId: string;
  readonly isAlive: boolean;
  /** Whether it was there before us, and is somebody else's. */
  readonly isStranger: boolean;
  /** Whether it went away by itself. */
  readonly hasVanished: boolean;
  readonly env: Readonly<Record<string, string>>;
}

/** A request to end a pod. */
export interface EndReport {
  readonly podId: string;
  readonly worker: string;
  /** Identifies the call of `terminate` that sent it. */
  readonly call: string;
  /** The lease on the compute's record at that time; empty when there was none. */
  readonly lease: string;
}

/** The most that was live at one moment. At the provider, pods do not count whose create took effect after the time in which it may. */
export interface Peaks {
  readonly computes: number;
  readonly computesPerUser: number;
  readonly costPerHour: number;
  readonly costPerHourPerUser: number;
}

/** Everything the provider has to say afterwards. */
export interface ProviderReport {
  readonly requests: number;
  /** Also `elsewhere`: the answers of another account, without any pod. */
  readonly faults: Readonly<Partial<Record<ChaosFault | "elsewhere", number>>>;
  readonly pods: readonly PodReport[];
  readonly ends: readonly EndReport[];
  readonly peaks: Peaks;
}
