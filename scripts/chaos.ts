/**
 * The chaos run: `npm run chaos`, or `npm run chaos -- --seed 7 --seconds 60`.
 *
 * Several processes share one PostgreSQL and one provider that fails in every way it can, and the run kills them at random. Afterwards no
 * compute may be duplicated or forgotten, and no secret leaked. The seed fixes the workers' requests and the failure of each request. The
 * machine decides which process is first, so a replay has the same failures in a different order.
 */
import { rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import { countsOf, inWords } from "../test/chaos/figures.ts";
import { type ChaosProgress, type ChaosResult, runChaos } from "../test/chaos/run.ts";
import { LIMITS, SPEED } from "../test/chaos/settings.ts";

const { values } = parseArgs({ options: { seed: { type: "string" }, seconds: { type: "string" } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const seconds = Number(values.seconds ?? 210);
if (!Number.isInteger(seed) || !(seconds > 0))
  throw new Error("--seed takes a whole number, --seconds more than 0");

const settings = { seed, seconds, spawns: Number.POSITIVE_INFINITY, applications: 3, reapers: 2 };

function tellProgress({ seconds: passed, figures, kills, usage }: ChaosProgress): void {
  const done = `${figures.total("spawn")} spawns, ${figures.total("touch")} touches, ${figures.total("terminate")} terminates`;
  console.log(
    `${passed.toFixed(0).padStart(4)} s: ${done}, ${figures.total("reap")} reaps, ${kills} kills, ${usage.computes} live`,
  );
}

function plain(figures: Readonly<Partial<Record<string, number>>>): string {
  return Object.entries(figures)
    .map(([name, figure = 0]) => `${name} ${Number(figure.toFixed(2))}`)
    .join(", ");
}

function tellResult(result: ChaosResult): void {
  const { figures, provider, kills, freezes, passes, live, leaks, evidence } = result;
  const peaks = Object.entries(evidence.peaks).map(([where, peak]) => `  most ${where}: ${plain(peak)}`);
  const lines = [
    `spawns      ${inWords(figures.outcomes.spawn)}`,
    `touches     ${inWords(figures.outcomes.touch)}`,
    `terminates  ${inWords(figures.outcomes.terminate)}`,
    `reaps       ${inWords(figures.outcomes.reap)}; ${passes} passes at the end`,
    `kills       ${kills}, and ${freezes} processes frozen for longer than a lease`,
    `faults      ${inWords(provider.faults)}; in ${provider.requests.toLocaleString("en")} requests`,
    `instances   ${provider.pods.filter(({ isStranger }) => !isStranger).length} created, ${live} live at rest, each with its row`,
    `ends        ${inWords(countsOf(evidence.rows.map(({ status, reason }) => reason ?? status)))}`,
    `end calls   ${inWords(countsOf(provider.ends.map(({ lease }) => (lease === "" ? "without a lease" : "under a lease"))))}`,
    `limits      ${plain(LIMITS)}`,
    ...peaks,
    `leaks       ${leaks}`,
  ];
  console.log(lines.join("\n"));
}

console.log(`seed ${seed}, ${seconds} s, ${settings.applications} applications, ${settings.reapers} reapers`);
console.log(`every clock runs ${SPEED} times as fast\n`);
const result = await runChaos(settings, tellProgress);
console.log("");
tellResult(result);
for (const finding of result.findings) console.log(`✗ ${finding}`);
const isClean = result.findings.length === 0;
console.log(
  isClean ? "✓ no law was broken" : `the workers' logs are in ${result.folder}; replay with --seed ${seed}`,
);
if (isClean) await rm(result.folder, { recursive: true });
process.exitCode = isClean ? 0 : 1;
