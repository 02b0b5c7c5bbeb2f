/** What every step of a compute's life works with. */
import type { Clock } from "../clock.ts";
import { AtlasError } from "../errors.ts";
import type { Provider } from "../provider.ts";
import type { ComputeEvent, ComputeRecord, Limits, Store } from "../store.ts";

/** How long things may take, in seconds. */
export interface Timing {
  /** One HTTP request to a provider. @default 30 */
  readonly requestTimeoutSeconds: number;
  /** A create, from the request to the provider's answer. @default 60 */
  readonly createTimeoutSeconds: number;
  /** How long a create with an unknown outcome is looked up before the compute is `uncertain`. @default 60 */
  readonly lookupSeconds: number;
  /** How long after a create an instance may still turn up. @default 600 */
  readonly pendingGraceSeconds: number;
  /** How long a reaper has a compute for itself. @default 60 */
  readonly leaseSeconds: number;
}

/** Where log lines go; `console` is one. */
export interface Logger {
  /** What helps to find a fault. */
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
  /** What happens: every change of a compute. */
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  /** What did not work and is tried again. */
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
  /** What needs somebody to look. */
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** Where a spawn or a wait has got to. */
export type Phase = "placing" | "creating" | "looking-up" | "provisioning" | "starting" | "ready";

/** One step of progress. */
export interface Progress {
  readonly phase: Phase;
  /** Seconds since the call began. */
  readonly elapsedSeconds: number;
  readonly computeId?: string;
  readonly provider?: string;
  /** What is going on, for people. */
  readonly message: string;
}

/** Everything a step of the lifecycle needs of the world. */
export interface Context {
  readonly store: Store;
  /** In order of preference. */
  readonly providers: readonly Provider[];
  readonly namespace: string;
  /** The tenant of a shared control plane whose computes these are; null outside of one. Tenants share a store, which their clients leave open. */
  readonly tenantId: string | null;
  readonly limits: Limits;
  readonly timing: Timing;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  readonly logger: Logger;
  readonly signingKey: string | undefined;
  /** Where pods reach the control plane. */
  readonly controlUrl: string | undefined;
  readonly onEvent: ((event: Omit<ComputeEvent, "id">) => void) | undefined;
}

/** The configured provider of a record. */
export function providerOf(context: Context, record: Pick<ComputeRecord, "provider" | "id">): Provider {
  const provider = context.providers.find(({ name }) => name === record.provider);
  if (provider !== undefined) return provider;
  const known = context.providers.map(({ name }) => name).join(", ");
  throw new AtlasError(
    "UNSUPPORTED",
    `compute ${record.id} runs on ${record.provider}, which is not among the configured providers (${known}): add it to createAtlas`,
    { provider: record.provider, computeId: record.id },
  );
}
