/**
 * Simulates the lifecycle under every schedule up to a depth, and under random deeper ones: `npm run simulate`. A schedule that breaks a law is printed
 * as a list that `npm run simulate -- --replay '…'` plays again. docs/testing.md explains the lists.
 */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import type { Job, JobResult } from "../test/simulation/job.ts";
import { parseSchedule } from "../test/simulation/move.ts";
import { exhaustive, scenarioNamed, wide } from "../test/simulation/scenarios.ts";
import { replay } from "../test/simulation/wander.ts";

const { values } = parseArgs({
  options: {
    replay: { type: "string" },
    scenario: { type: "string" },
    depth: { type: "string", default: "14" },
    random: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    seconds: { type: "string", default: "600" },
    workers: { type: "string", default: String(availableParallelism()) },
  },
});

/** The number of random schedules in one job. */
const CHUNK = 200;

/** The sums of one kind of job over one scenario. */
interface Sums {
  readonly kind: Job["kind"];
  readonly scenario: string;
  schedules: bigint;
  states: number;
  moves: number;
  seconds: number;
  /** Time of the thread itself: other programs of the machine do not count. */
  processorSeconds: number;
}

const until = performance.now() + Number(values.seconds) * 1000;
const sums = new Map<string, Sums>();
const failures: JobResult["failures"][number][] = [];

function* explorations(): Generator<Job> {
  const depth = Number(values.depth);
  if (depth === 0) return;
  for (const { name } of chosen(exhaustive)) yield { kind: "explore", scenario: name, depth };
}

/** The scenarios whose schedules take three times as long as others. They come half as often. */
const SLOW = ["belief", "looks"];

/** Random schedules of every scenario in turn, until the number is reached or the time is over. */
function* wanderings(): Generator<Job> {
  const all = chosen([...wide, ...exhaustive]);
  const scenarios = [...all, ...all.filter(({ name }) => !SLOW.includes(name))];
  const first = Number(values.seed);
  for (let made = 0; made < Number(values.random) && performance.now() < until; made += CHUNK) {
    const scenario = scenarios[(made / CHUNK) % scenarios.length]?.name ?? "";
    yield { kind: "random", scenario, from: first + made, to: first + made + CHUNK };
  }
}

function chosen(scenarios: typeof wide): typeof wide {
  return scenarios.filter(({ name }) => values.scenario === undefined || name === values.scenario);
}

function* jobs(): Generator<Job> {
  yield* explorations();
  yield* wanderings();
}

/** Carries out jobs in a thread until there are none, or one has failed. */
async function work(queue: Generator<Job>): Promise<void> {
  const worker = new Worker(new URL("../test/simulation/worker.ts", import.meta.url));
  for (let next = queue.next(); !next.done && failures.length === 0; next = queue.next()) {
    const begin = performance.now();
    worker.postMessage(next.value);
    const [result]: JobResult[] = await once(worker, "message");
    if (result !== undefined) note(next.value, result, (performance.now() - begin) / 1000);
  }
  await worker.terminate();
}

function note({ kind, scenario }: Job, result: JobResult, seconds: number): void {
  const key = `${kind} ${scenario}`;
  const sum = sums.get(key) ?? {
    ...{ kind, scenario, schedules: 0n, states: 0, moves: 0 },
    ...{ seconds: 0, processorSeconds: 0 },
  };
  sum.schedules += result.schedules;
  sum.states += result.states;
  sum.moves += result.moves;
  sum.seconds += seconds;
  sum.processorSeconds += result.processorSeconds;
  sums.set(key, sum);
  failures.push(...result.failures);
  if (kind === "explore") console.log(lineOf(sum));
}

function lineOf({ kind, scenario, schedules, states, moves, seconds, processorSeconds }: Sums): string {
  const reached = kind === "explore" ? `every schedule up to ${values.depth} moves` : "random";
  const merged = kind === "explore" ? ` in ${states} states` : "";
  const rate =
    kind === "random"
      ? `, ${(Number(schedules) / processorSeconds).toFixed(0)} in a second of processor time`
      : "";
  return `${scenario}, ${reached}: ${schedules} schedules${merged}, ${moves} moves, ${seconds.toFixed(1)} s${rate}`;
}

async function simulate(): Promise<void> {
  const begin = performance.now();
  const queue = jobs();
  await Promise.all(Array.from({ length: Number(values.workers) }, () => work(queue)));
  for (const sum of sums.values()) if (sum.kind === "random") console.log(lineOf(sum));
  const randoms = [...sums.values()].filter(({ kind }) => kind === "random");
  const total = randoms.reduce((all, { schedules }) => all + schedules, 0n);
  const { user, system } = process.cpuUsage();
  const processor = `${((user + system) / 1e6).toFixed(0)} s of processor time`;
  console.log(
    `${total} random schedules; ${((performance.now() - begin) / 1000).toFixed(0)} s in all, ${processor}`,
  );
  for (const { schedule, findings } of failures) tell(schedule, findings);
}

async function playAgain(text: string): Promise<void> {
  const { scenario, moves } = parseSchedule(text);
  const findings = await replay(scenarioNamed(scenario), moves);
  if (findings.length === 0) console.log("The schedule breaks no law.");
  else tell(text, findings);
}

function tell(schedule: string, findings: readonly string[]): void {
  process.exitCode = 1;
  console.error(`\nA schedule breaks a law:\n${findings.map((finding) => `  ${finding}\n`).join("")}`);
  console.error(`Play it again: npm run simulate -- --replay '${schedule}'`);
}

await (values.replay === undefined ? simulate() : playAgain(values.replay));
