/**
 * Measures each part beside its peers and writes the tables of docs/benchmarks.md: `npm run bench` all of them, `npm run bench -- NAME…` some.
 * With `--quick` every part runs with small numbers, to prove that it works, and no table is written. Each part is a process of its own.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { bundleAll } from "../bundle.ts";
import { type Outcome, tableOf, writeBudgets, writeTable } from "./document.ts";
import type { Figure, Report } from "./figures.ts";
import { type Part, parts } from "./parts.ts";

/** A part that takes longer hangs. */
const MAX_SECONDS = 420;
/** The number of parts that run at once in a quick run, whose figures mean nothing. */
const QUICK_AT_ONCE = 3;

const { values, positionals } = parseArgs({
  options: { quick: { type: "boolean", default: false } },
  allowPositionals: true,
});
const { quick } = values;
const unknown = positionals.filter((name) => !parts.some((part) => part.name === name));
if (unknown.length > 0) {
  console.error(
    `There is no benchmark ${unknown.join(", ")}. There are: ${parts.map(({ name }) => name).join(", ")}`,
  );
  process.exit(2);
}

const running = new Set<ChildProcess>();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    for (const child of running) end(child);
    process.exit(1);
  });

/** Ends a part together with the servers that it started: they are one group of processes. */
function end({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, "SIGKILL");
}

/** Runs one part. `undefined` when it failed. */
async function measure(part: Part): Promise<Outcome | undefined> {
  const [load = Number.NaN] = loadavg();
  const figures: Figure[] = [];
  const missing: string[] = [];
  const began = performance.now();
  const child = spawn(process.execPath, ["--experimental-eventsource", `scripts/bench/${part.name}.ts`], {
    detached: true,
    // JSON has no NaN.
    serialization: "advanced",
    stdio: ["ignore", 2, 2, "ipc"],
    env: { ...process.env, BENCH_QUICK: quick ? "1" : "0" },
  });
  running.add(child);
  child.on("message", (message: Report) => {
    if ("figure" in message) figures.push(message.figure);
    else missing.push(message.missing);
  });
  const timer = setTimeout(() => end(child), MAX_SECONDS * 1000);
  const [code, signal] = await once(child, "close");
  clearTimeout(timer);
  running.delete(child);
  const seconds = (performance.now() - began) / 1000;
  const hasFailed = code !== 0 || figures.length === 0;
  // What was measured before the failure counts.
  if (hasFailed) missing.push(`the rest of ${part.name}, which ended with ${code ?? signal}`);
  console.error(
    `${part.name}: ${hasFailed ? `FAILED with ${code ?? signal}` : `${figures.length} figures`}, ${seconds.toFixed(1)} s`,
  );
  return figures.length === 0 ? undefined : { part, figures, missing, load, seconds };
}

async function measureAll(
  chosen: readonly Part[],
  atOnce: number,
): Promise<readonly (Outcome | undefined)[]> {
  const outcomes: (Outcome | undefined)[] = [];
  const waiting = [...chosen];
  const work = async (): Promise<void> => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      const outcome = await measure(part);
      outcomes.push(outcome);
      if (outcome !== undefined && !quick) writeTable(outcome);
      if (outcome !== undefined) console.log(`\n${part.name}\n\n${tableOf(outcome)}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return outcomes;
}

// Imports and the operator page, which is written in JSX, are measured in the built package.
await bundleAll();
const outcomes = await measureAll(
  positionals.length === 0 ? parts : parts.filter(({ name }) => positionals.includes(name)),
  quick ? QUICK_AT_ONCE : 1,
);
if (positionals.length === 0 && !quick) writeBudgets(outcomes.filter((outcome) => outcome !== undefined));
const missing = outcomes.flatMap((outcome) => outcome?.missing ?? []);
for (const text of missing) console.error(`Not measured: ${text}`);
if (missing.length > 0 || outcomes.includes(undefined)) process.exitCode = 1;
