/** The subject of a provider's law suite: the provider, and the world behind its API. */
import type { PlacementRequest, Provider } from "../../provider.ts";

/** An instance as it exists behind the API, whether the API shows it or not. */
export interface ExistingInstance {
  readonly providerId: string;
  readonly name: string;
  /** True while it may still cost money, until it is gone for good. */
  readonly alive: boolean;
  /** Its whole environment in clear; needed unless the traits say `showsEnv: false`. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A method that a provider need not have. */
export type OptionalMethod = "find" | "stop" | "start" | "logs" | "listGpuTypes" | "parseOptions" | "account";

/** An operation whose failures the suite provokes. */
export type FaultyOperation = "create" | "get" | "list" | "find" | "terminate";

/**
 * A fault that the API inflicts on a call. `-before` fails and leaves the work undone, `-after` fails when it is done: a caller cannot
 * tell the two apart.
 *
 * - `capacity`, `quota`, `refused-pool`, `balance`, `bad-key`, `invalid`, `rate-limit`: it refuses, in its own words and statuses;
 * - `timeout-*`: it does not answer within the context's `requestTimeoutSeconds`;
 * - `connection-*`: the connection breaks without an answer; `error-*`: it answers 500 or the like;
 * - `unreadable-after`: it answers success with a body that makes no sense;
 * - `hang`: it never answers, and the caller gives up by the signal;
 * - `malformed`: a read answers success with another shape; `partial`: every page of a list but the first fails.
 */
export type LawFault =
  | "capacity"
  | "quota"
  | "refused-pool"
  | "balance"
  | "bad-key"
  | "invalid"
  | "rate-limit"
  | "timeout-before"
  | "timeout-after"
  | "connection-before"
  | "connection-after"
  | "error-before"
  | "error-after"
  | "unreadable-after"
  | "hang"
  | "malformed"
  | "partial";

/** The declared properties of a provider. */
export interface ProviderTraits {
  /** The optional methods it has; the suite holds it to exactly these. */
  readonly methods: readonly OptionalMethod[];
  /** The faults that {@link ProviderUnderTest.fault} can provoke, by operation. @default none */
  readonly faults?: Readonly<Partial<Record<FaultyOperation, readonly LawFault[]>>>;
  /** True when two instances may have one name. Otherwise a second create adopts the first instance. @default true */
  readonly duplicateNames?: boolean;
  /** True when a test can see the environment of an instance. @default true */
  readonly showsEnv?: boolean;
  /** Requests it can serve, by what they ask for ("a CPU machine", "an H100"), each of which is created once. @default none */
  readonly placements?: Readonly<Record<string, PlacementRequest>>;
}

/** One provider, made for one test, with a world of its own behind it. */
export interface ProviderUnderTest {
  readonly provider: Provider;
  /** A request it can serve, with at least one port. It boots, and runs until it is ended. */
  readonly placement: PlacementRequest;
  /** Everything behind the API now. */
  instances(): Promise<readonly ExistingInstance[]>;
  /** Awaits a promise, moving the provider's clock meanwhile where the clock is a test's. */
  settle<Result>(promise: Promise<Result>): Promise<Result>;
  /** Lets that many seconds pass for the provider: on its clock, or in truth. */
  advance(seconds: number): Promise<void>;
  /** Lets the next `times` requests of that operation meet a fault. Needed where the traits declare faults. */
  fault?(operation: FaultyOperation, fault: LawFault, times: number): void;
  /** Lets an instance write a line. Where it is missing, the instance must write one by itself. */
  log?(providerId: string, line: string): void;
  /** The number of instances on one page of a list, where creating three pages of them is cheap. */
  readonly pageSize?: number;
  /** The credentials of the provider, which must not appear in any result or error. @default none */
  readonly secrets?: readonly string[];
  /** The `requestTimeoutSeconds` of every call. @default 5 */
  readonly requestTimeoutSeconds?: number;
  /** Ends all remaining instances and releases all resources. */
  close(): Promise<void>;
}
