/** A scenario: the processes of an application, their programs, and the misfortunes that may meet them. */
import type { Atlas, AtlasOptions } from "../../src/index.ts";
import type { Budget } from "../../src/provider.ts";
import type { MockOptions, MockProvider } from "../../src/providers/mock/index.ts";
import type { WorldEvent } from "./move.ts";
import type { Process } from "./process.ts";

/** The memory that the programs of one simulation share with its judge. */
export interface Ledger {
  /** Computes that a caller holds. */
  readonly held: Set<string>;
  /** Why computes may end, each as a compute's id and a reason. */
  readonly excuses: Set<string>;
  /** Computes whose instance ended by itself, or was stopped by its provider. */
  readonly fallen: Set<string>;
  /** Computes whose own server has answered. */
  readonly answered: Set<string>;
  /** Findings of the programs themselves. */
  readonly problems: string[];
  /** Everything that was logged or thrown. */
  readonly printed: string[];
  /** Tokens that a caller received. */
  readonly tokens: string[];
  /** Facts that programs tell one another. */
  readonly shared: Map<string, string>;
  /** True once the servers in the pods answer. */
  podsAnswer: boolean;
}

/** One process of a scenario. */
export interface Role {
  /** A capital letter, by which schedules name it. */
  readonly name: string;
  /** The seconds by which its clock is wrong. @default 0 */
  readonly wrongSeconds?: number;
  /** @default "production" */
  readonly deployment?: string;
  /** True for a process that waits for computes and does nothing else. @default false */
  readonly onlyWaits?: boolean;
  /** True for a process whose key is another account's: it is shown nothing of ours. @default false */
  readonly hasOtherKey?: boolean;
  readonly program: Program;
}

/** A program of an application. `self` is its process, which may forget what it heard where it begins anew. */
export type Program = (
  atlas: Atlas,
  ledger: Ledger,
  self: Pick<Process, "forget" | "hear">,
) => Promise<unknown>;

/** The number of times that each kind of move may happen in one schedule. */
export interface Allowance {
  readonly crashes: number;
  readonly faults: number;
  readonly leaps: number;
  readonly events: number;
}

/** A scenario. */
export interface Scenario {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly allowance: Allowance;
  /** The seconds of each leap in time. */
  readonly leaps: readonly number[];
  /** True lets a reading of the store's time wait at the gate, too. @default false */
  readonly readingsWait?: boolean;
  readonly events?: readonly WorldEvent[];
  readonly limits?: { readonly computes?: number };
  readonly mock?: Omit<MockOptions, "clock">;
  /** The rate that the provider's API allows. @default no limit */
  readonly budget?: Budget;
  /** False where the servers in the pods do not answer yet. @default true */
  readonly podsAnswer?: boolean;
  readonly timing?: AtlasOptions["timing"];
  /** Programs that end before the schedule begins, one after the other. */
  readonly prologue?: readonly Role[];
  /** Changes what the provider shows before anything happens. */
  readonly begin?: (provider: MockProvider, owner: string) => void;
}
