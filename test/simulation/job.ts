/** A piece of a simulation, which one worker carries out. */
import { explore, type Failure } from "./explore.ts";
import { parseSchedule, scheduleText } from "./move.ts";
import { scenarioNamed } from "./scenarios.ts";
import { shorten, wander } from "./wander.ts";

/** The longest random schedule, in moves. */
const LONGEST = 50;

/** A piece of work: every schedule of a scenario up to a depth, or the random ones of these numbers. */
export type Job =
  | { readonly kind: "explore"; readonly scenario: string; readonly depth: number }
  | { readonly kind: "random"; readonly scenario: string; readonly from: number; readonly to: number };

/** The result of a job. */
export interface JobResult {
  /** Different schedules: those that an exploration stands for, or the random ones. */
  readonly schedules: bigint;
  readonly states: number;
  readonly moves: number;
  readonly failures: readonly Failure[];
  /** Processor time of the thread. */
  readonly processorSeconds: number;
}

// Errors are as usual as answers here, and their stack traces, which nothing reads, take much time.
Error.stackTraceLimit = 0;

/** Carries out a job. */
export async function carryOut(job: Job): Promise<JobResult> {
  const before = process.threadCpuUsage();
  const result = await resultOf(job);
  const { user, system } = process.threadCpuUsage(before);
  return { ...result, processorSeconds: (user + system) / 1e6 };
}

async function resultOf(job: Job): Promise<Omit<JobResult, "processorSeconds">> {
  const scenario = scenarioNamed(job.scenario);
  if (job.kind === "explore") {
    const { failure, ...counts } = await explore(scenario, job.depth);
    return { ...counts, failures: failure === undefined ? [] : [failure] };
  }
  let moves = 0;
  for (let seed = job.from; seed < job.to; seed += 1) {
    const { failure, moves: made } = await wander(scenario, seed, LONGEST);
    moves += made;
    if (failure !== undefined)
      return {
        schedules: BigInt(seed - job.from + 1),
        states: 0,
        moves,
        failures: [await shortened(failure)],
      };
  }
  return { schedules: BigInt(job.to - job.from), states: 0, moves, failures: [] };
}

/** The same failure by fewer moves. */
async function shortened({ schedule, findings }: Failure): Promise<Failure> {
  const { scenario, moves } = parseSchedule(schedule);
  const shorter = await shorten(scenarioNamed(scenario), moves);
  return { schedule: scheduleText(scenario, shorter), findings };
}
