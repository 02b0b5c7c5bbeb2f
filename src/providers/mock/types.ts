import type { GpuType, Instance, InstanceStatus, Provider } from "../../provider.ts";
import type { MockCall, MockOperation } from "./call.ts";
import type { MockFault } from "./faults.ts";

/** A GPU type that a mock offers. */
export interface MockGpu {
  /** The mock's own id for it. */
  readonly id: string;
  /** @default the id, when it is a canonical name */
  readonly name?: string | undefined;
  readonly memoryGb?: number | undefined;
  /** US dollars per GPU and hour. @default the mock's `costPerHour` */
  readonly costPerHour?: number | undefined;
  /** A create finds no capacity while it is `"none"`. @default "high" */
  readonly stock?: GpuType["stock"] | undefined;
  /** @default the mock's `regions` */
  readonly regions?: readonly string[] | undefined;
}

/** What `providerOptions.mock` may say. */
export interface MockPlacementOptions {
  /** Any word; it is only kept, to be seen in {@link MockInstance.options}. */
  readonly tier?: string;
}

/** What exists behind the mock's API, as only a test may see it: nothing is redacted and nothing lags. */
export interface MockInstance extends Omit<Instance, "raw" | "createdAt"> {
  /** The same as `providerId`. */
  readonly id: string;
  readonly createdAt: Date;
  /** The whole environment, in clear. */
  readonly env: Readonly<Record<string, string>>;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** The parsed `providerOptions` it was created with. */
  readonly options: unknown;
}

/** An instance that somebody else is to have made; see {@link MockProvider.add}. */
export interface MockStranger {
  readonly name: string;
  readonly owner?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly status?: InstanceStatus | undefined;
}

/** Answers for the server inside an instance. */
export type MockResponder = (request: Request, instance: MockInstance) => Response | Promise<Response>;

/** A provider in memory, with the controls a test needs. */
export interface MockProvider extends Required<Omit<Provider, "jobs">> {
  /** Every instance there ever was, in order of creation; those that ended have the status `terminated`. */
  readonly instances: readonly MockInstance[];
  /** Every call so far, in order; one whose signal had aborted before it began was never made. */
  readonly calls: readonly MockCall[];
  /**
   * Queues faults for the next calls of an operation, one a call, behind those queued already.
   * @throws VALIDATION for a fault that does not exist, or that this operation cannot meet.
   */
  script(operation: MockOperation, ...faults: readonly MockFault[]): void;
  /** Forgets what is scripted: for one operation, or for all. */
  heal(operation?: MockOperation): void;
  /** Makes an instance disappear, as if its host had died. Takes a name or a providerId. */
  vanish(nameOrId: string): void;
  /** Lets the boot of an instance fail. Takes a name or a providerId. */
  fail(nameOrId: string, message: string): void;
  /** Puts an instance into a state. Takes a name or a providerId. */
  setStatus(nameOrId: string, status: InstanceStatus): void;
  /** Lets an instance write a line. Takes a name or a providerId. */
  log(nameOrId: string, line: string): void;
  /** Adds an instance that was not created through this provider object. */
  add(stranger: MockStranger): MockInstance;
  /** From now on this answers for the servers in the instances. It answered `200 {"ok":true}` before. */
  respond(responder: MockResponder): void;
  /** A `fetch` that reaches the instances' http URLs: 502 while one does not run. Every other host is unknown to it. */
  readonly fetch: typeof globalThis.fetch;
}
