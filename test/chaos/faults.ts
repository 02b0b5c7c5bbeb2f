/** What goes wrong with which request: decided by the seed and the request's number alone. */
import type { RunpodFault, RunpodOperation } from "../fakes/runpod-faults.ts";
import { Random } from "./random.ts";

/**
 * A fault of the fake, or one of ours. `slow`: it is done, and answered, but only just in time. `late`: no answer comes, and it is done
 * long after everybody stopped waiting. `too-late`: even after the grace in which that may happen.
 */
export type ChaosFault = RunpodFault | "slow" | "late" | "too-late";

/** Weather changes every so many requests. */
const REQUESTS_OF_ONE_WEATHER = 40;

/** How often there is this weather, and which share of the requests it spoils. */
const WEATHERS = { calm: 5, rough: 4, outage: 1 } as const;
const SPOILT: Readonly<Record<keyof typeof WEATHERS, number>> = { calm: 0.02, rough: 0.2, outage: 0.85 };

type Weights = Partial<Readonly<Record<ChaosFault, number>>>;

const reads: Weights = {
  "connection-before": 4,
  "error-before": 4,
  "unavailable-html": 3,
  "rate-limit": 4,
  "gateway-404": 2,
  gateway: 1,
  hang: 1,
  malformed: 2,
};

/** What can go wrong with each operation, and how often. Nothing here lies: a pod that is there is called absent only while the provider answers for another account. */
const FAULTS: Partial<Readonly<Record<RunpodOperation, Weights>>> = {
  create: {
    "connection-before": 3,
    "connection-after": 4,
    "error-before": 3,
    "error-after": 4,
    "timeout-after": 2,
    "unreadable-after": 3,
    "half-an-answer": 2,
    "unavailable-html": 2,
    "rate-limit": 3,
    hang: 1,
    slow: 4,
    late: 2,
    "too-late": 1,
    capacity: 4,
    "capacity-host": 2,
    "capacity-conflict": 2,
    "capacity-in-500": 2,
    conflict: 2,
    balance: 2,
    "bad-key": 1,
    "refused-pool": 2,
    invalid: 1,
  },
  terminate: {
    "connection-before": 4,
    "connection-after": 4,
    "error-before": 4,
    "error-after": 3,
    "timeout-after": 1,
    "unavailable-html": 2,
    "rate-limit": 3,
    "gateway-404": 2,
    hang: 1,
  },
  get: reads,
  list: reads,
  gpus: reads,
  cpus: reads,
};

/** The fault of a request, if it has one. */
export function faultFor(seed: number, number: number, operation: RunpodOperation): ChaosFault | undefined {
  const weather = new Random(seed, "weather", Math.floor(number / REQUESTS_OF_ONE_WEATHER)).weighted(
    WEATHERS,
  );
  const random = new Random(seed, "request", number);
  const weights = FAULTS[operation];
  if (weights === undefined || !random.chance(SPOILT[weather])) return undefined;
  return random.weighted(weights as Readonly<Record<ChaosFault, number>>);
}
