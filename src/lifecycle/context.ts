/** The dependencies that every step of a compute's life works with. */
import type { Clock } from "../clock.ts";
import type { Provider } from "../provider.ts";
import type { ComputeEvent, ComputeRecord, Limits, Store } from "../store.ts";
import type { Webhook } from "./webhooks/options.ts";

/** Time limits, in seconds. */
export interface Timing {
  /** One HTTP request to a provider. @default 30 */
  readonly requestTimeoutSeconds: number;
  /** A create, from the request to the provider's answer. @default 60 */
  readonly createTimeoutSeconds: number;
  /** The time that a create with an unknown outcome is looked up before the compute is `uncertain`. @default 60 */
  readonly lookupSeconds: number;
  /** The time after a create in which an instance may still turn up. @default 600 */
  readonly pendingGraceSeconds: number;
  /** The time that a reaper has a compute for itself. @default 60 */
  readonly leaseSeconds: number;
}

/** The time and the number for which the store keeps what is over. */
export interface Retention {
  /** Seconds after its end for which a compute stays recorded, with its events: at least 86400. @default 2592000 */
  readonly endedSeconds: number;
  /** The events of one compute that stay, the newest ones: at least 100. @default 1000 */
  readonly eventsPerCompute: number;
}

/** The number of records, and of events, that one pass of the reaper deletes at most. */
export const RETENTION_LIMIT = 1000;

/** Receives log lines; `console` is one. */
export interface Logger {
  /** Details that help to find a fault. */
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
  /** Every change of a compute. */
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  /** A failure that is tried again. */
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
  /** A failure that a person should look at. */
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** The phases of a spawn and of a wait. */
export type Phase = "placing" | "creating" | "looking-up" | "provisioning" | "starting" | "ready";

/** One step of progress. */
export interface Progress {
  readonly phase: Phase;
  /** Seconds since the call began. */
  readonly elapsedSeconds: number;
  readonly computeId?: string;
  readonly provider?: string;
  /** A sentence for people. */
  readonly message: string;
}

/** The dependencies of a step of the lifecycle. */
export interface Context {
  readonly store: Store;
  /** In order of preference. */
  readonly providers: readonly Provider[];
  readonly namespace: string;
  /** The tenant of a shared control plane whose computes these are; null outside of one. Tenants share a store, which their clients leave open. */
  readonly tenantId: string | null;
  readonly limits: Limits;
  readonly timing: Timing;
  readonly retention: Retention;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  readonly logger: Logger;
  /** The keys from which signing secrets are derived. The first one is for new computes. */
  readonly signingKeys: readonly string[];
  /** The URL at which pods reach the control plane. */
  readonly controlUrl: string | undefined;
  /** The endpoints that are told of events. */
  readonly webhooks: readonly Webhook[];
  readonly onEvent: ((event: Omit<ComputeEvent, "id">) => void) | undefined;
}

/** Reports one step. */
export type Report = (phase: Phase, message: string, record?: Pick<ComputeRecord, "id" | "provider">) => void;
