/** The types of a mock. */
import type { GpuType, Instance, InstanceStatus, Provider } from "../../provider.ts";
import type { MockCall, MockOperation } from "./call.ts";
import type { MockFault } from "./faults.ts";

/** A GPU type that a mock offers. */
export interface MockGpu {
  /** The mock's own id of the type. */
  readonly id: string;
  /** @default the id, when it is a canonical name */
  readonly name?: string | undefined;
  readonly memoryGb?: number | undefined;
  /** US dollars per GPU and hour. @default the mock's `costPerHour` */
  readonly costPerHour?: number | undefined;
  /** With `"none"`, a create finds no capacity. @default "high" */
  readonly stock?: GpuType["stock"] | undefined;
  /** @default the mock's `regions` */
  readonly regions?: readonly string[] | undefined;
}

/** The options in `providerOptions.mock`. */
export interface MockPlacementOptions {
  /** Any word. The mock only stores it, for {@link MockInstance.options}. */
  readonly tier?: string;
}

/** An instance as only a test sees it, without redaction and without lag. */
export interface MockInstance extends Omit<Instance, "raw" | "createdAt"> {
  /** The same as `providerId`. */
  readonly id: string;
  readonly createdAt: Date;
  /** The whole environment, unredacted. */
  readonly env: Readonly<Record<string, string>>;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** The parsed `providerOptions` of its create. */
  readonly options: unknown;
}

/** An instance that did not come from this provider object; see {@link MockProvider.add}. */
export interface MockStranger {
  readonly name: string;
  readonly owner?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly status?: InstanceStatus | undefined;
}

/** Answers for the server inside an instance. */
export type MockResponder = (request: Request, instance: MockInstance) => Response | Promise<Response>;

/** A provider in memory, with controls for tests. */
export interface MockProvider
  extends Required<
    Omit<Provider, "jobs" | "createTimeoutSeconds" | "createGraceSeconds" | "budget" | "edge">
  > {
  /** Every instance, in order of creation; ended ones have the status `terminated`. */
  readonly instances: readonly MockInstance[];
  /** Every call so far, in order, without calls whose signal had aborted before they began. */
  readonly calls: readonly MockCall[];
  /**
   * Queues faults for the next calls of an operation, one per call, after those already queued.
   * @throws VALIDATION for an unknown fault, or one that this operation cannot meet.
   */
  script(operation: MockOperation, ...faults: readonly MockFault[]): void;
  /** Clears the scripted faults of one operation, or of all. */
  heal(operation?: MockOperation): void;
  /** Changes the API's key for one of another account: it shows nothing of the account before, until that is set again. @default "mock-account" */
  switchAccount(account: string): void;
  /** Makes an instance disappear, like one whose host failed. Takes a name or a providerId. */
  vanish(nameOrId: string): void;
  /** Makes the boot of an instance fail. Takes a name or a providerId. */
  fail(nameOrId: string, message: string): void;
  /** Sets the status of an instance. Takes a name or a providerId. */
  setStatus(nameOrId: string, status: InstanceStatus): void;
  /** Adds a line to the log of an instance. Takes a name or a providerId. */
  log(nameOrId: string, line: string): void;
  /** Adds an instance that this provider object did not create. */
  add(stranger: MockStranger): MockInstance;
  /** Sets the responder that answers for the servers in the instances. @default answers `200 {"ok":true}` */
  respond(responder: MockResponder): void;
  /** A `fetch` that reaches the instances' http URLs: 502 while an instance does not run. It knows no other host. */
  readonly fetch: typeof globalThis.fetch;
}
