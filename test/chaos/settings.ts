/** How the run is set up. Times are in seconds of its fast clocks unless they say otherwise. */
import type { Timing } from "../../src/lifecycle/context.ts";
import type { Limits } from "../../src/store.ts";
import type { FastTime } from "./fast-time.ts";

/** What a run is asked for. */
export interface ChaosSettings {
  readonly seed: number;
  /** How long the storm lasts from when every worker is at work, in seconds of the world. */
  readonly seconds: number;
  /** The storm ends earlier when so many spawns are done. */
  readonly spawns: number;
  /** Processes that spawn, touch, terminate and now and then reap. */
  readonly applications: number;
  /** Processes that do nothing but reap. */
  readonly reapers: number;
}

/** How many times as fast as the world's the clocks of a run go. */
export const SPEED = 10;

/** What may be live at once. */
export const LIMITS: Required<Limits> = {
  computesPerUser: 5,
  computes: 150,
  costPerHourPerUser: 6,
  costPerHour: 110,
  costPerMonthPerUser: 10_000,
  costPerMonth: 100_000,
};

/** The timing of every client. Shorter than the defaults, so that what a killed process left is settled within the run. */
export const TIMING: Timing = {
  requestTimeoutSeconds: 20,
  createTimeoutSeconds: 40,
  lookupSeconds: 40,
  pendingGraceSeconds: 180,
  leaseSeconds: 60,
};

/** How the provider behaves on its best day. */
export const PROVIDER = { bootSeconds: 5, listLagSeconds: 30, pageSize: 20 } as const;

/** How long a create that is slow takes: it is answered, but only just. */
export const SLOW_SECONDS = 35;

/** How long after its request a create that is late takes effect: well after everybody stopped waiting, well within the grace. */
export const LATE_SECONDS = 100;

/** How long after its request a create takes effect that no grace covers: what it made is an orphan. */
export const TOO_LATE_SECONDS = 300;

/**
 * When the provider answers for another account, in which there is nothing: for how long, and how often, from when there are some computes. Never for
 * the quarter of an hour after which that is believed.
 */
export const ELSEWHERE = { firstSeconds: 250, everySeconds: 500, forSeconds: 150 } as const;

/** What a process needs to know to take part. */
export interface Connection {
  readonly connectionString: string;
  readonly providerUrl: string;
  readonly apiKey: string;
  readonly time: FastTime;
}

/** What a worker is told. */
export interface WorkerSettings extends Connection {
  /** Unique in the run. */
  readonly name: string;
  readonly role: "application" | "reaper";
  /** Of the run. */
  readonly seed: number;
}

/** What the process of the fake is told. */
export interface ProviderSettings {
  readonly seed: number;
  readonly apiKey: string;
  readonly time: FastTime;
}
