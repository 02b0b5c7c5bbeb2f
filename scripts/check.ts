/** Runs every check of the project in order, and prints the time of each. CI runs this script. */
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./run.ts";

const folder = await mkdtemp(join(tmpdir(), "atlas-compute-check-"));
const results = join(folder, "tests.json");

/** The scripts of package.json to run, with further arguments. */
const STEPS: readonly (readonly [script: string, ...args: string[]])[] = [
  ["lint"],
  ["types"],
  ["dead"],
  ["spelling"],
  ["test", "--", "--reporter=default", "--reporter=json", `--outputFile.json=${results}`],
  ["build"],
  ["api"],
  ["size"],
  ["docs"],
  ["examples"],
  ["package"],
  ["start"],
];

async function passes([script, ...args]: (typeof STEPS)[number]): Promise<boolean> {
  console.log(`\n=== ${script}`);
  const start = performance.now();
  const failure = await run("npm", ["run", "--silent", script, ...args]).then(
    () => undefined,
    (error: unknown) => error,
  );
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`=== ${script}: ${failure === undefined ? "ok" : `FAILED (${failure})`}, ${seconds} s`);
  return failure === undefined;
}

/** The closing line. A failed step other than the tests counts as one failure, so that the line never hides it. */
function totals(failedSteps: readonly string[]): string {
  const others = failedSteps.filter((step) => step !== "test").length;
  if (!existsSync(results)) return `0 passed, ${others + 1} failed`;
  const { numPassedTests, numFailedTests, numFailedTestSuites } = JSON.parse(readFileSync(results, "utf8"));
  return `${numPassedTests} passed, ${(numFailedTests || numFailedTestSuites) + others} failed`;
}

const failed: string[] = [];
for (const step of STEPS) if (!(await passes(step))) failed.push(step[0]);

console.log(failed.length === 0 ? "\nEvery step passed." : `\nFailed: ${failed.join(", ")}`);
console.log(totals(failed));
await rm(folder, { recursive: true, force: true });
process.exitCode = failed.length === 0 ? 0 : 1;
