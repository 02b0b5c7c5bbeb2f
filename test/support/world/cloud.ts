/** A provider and its fake, as a world sees them: the instances behind the API, and the faults there. */
import type { Provider } from "../../../src/provider.ts";
import type { EndReason } from "../../../src/store.ts";
import type { Mortal } from "./mortal.ts";

/** An instance that exists or existed, of this store or of another. */
export interface CloudInstance {
  readonly id: string;
  readonly name: string;
  readonly alive: boolean;
  /** In clear. One that a create of ours made has `ATLAS_COMPUTE_ID`. */
  readonly env: Readonly<Record<string, string>>;
}

/** Something that happens to an instance behind our back. */
export interface Incident {
  /** The reasons for which the compute may end by it. */
  readonly excuses: readonly EndReason[];
  /** `owner` is the tag of the world's own store. */
  happenTo(instance: CloudInstance, owner: string): void;
}

/** One provider of a world. */
export interface Cloud<Fault> {
  readonly name: string;
  /** The provider as one process has it: once that is dead, it asks nothing and hears nothing any more. */
  connect(process: Mortal): Provider;
  instances(): readonly CloudInstance[];
  /** Names of computes for which something is there beside an instance. */
  remains?(): readonly string[];
  /** @returns the reasons for which any compute may end by it */
  provoke(fault: Fault): readonly EndReason[];
  heal(): void;
  /** By the names that the scenery lists. */
  readonly incidents: Readonly<Record<string, Incident>>;
  /** Adds an instance of another owner. @returns its id */
  addStranger?(name: string, owner: string): string;
  /** Reaches the servers in the instances. */
  readonly fetch: typeof globalThis.fetch;
  /** The account's key, which must be printed nowhere. */
  readonly secrets: readonly string[];
  /** Requests that broke the vendor's specification. */
  violations?(): readonly unknown[];
}
