/**
 * Mutation tests, by Stryker: `npm run mutation -- tokens`, `npm run mutation -- src/auth/token.ts`, or without an argument all parts.
 *
 * Stryker changes the code in one place at a time, and the tests have to notice. `test/mutation/survivors/PART.json` has, for each file that has been
 * tested so, the mutants that no test notices. The script exits with 1 for a survivor that the list has not.
 *
 * - `--write` brings the list up to date.
 * - `--changed` takes the files only whose code or whose tests have changed since.
 * - `--seconds 150` begins no file that the time does not suffice for, and names those that it left out.
 * - `--at-once 1` leaves a processor to others.
 */
import { globSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Stryker } from "@stryker-mutator/core";
import {
  digestOf,
  type List,
  type Listed,
  readList,
  without,
  withWhatTheyRead,
  writeList,
} from "./mutation-list.ts";

interface Part {
  readonly sources: string;
  readonly tests: readonly string[];
}

/** The parts that are tested by mutation, each with the tests that judge it. */
const PARTS: Readonly<Record<string, Part>> = {
  tokens: {
    sources: "src/auth/*.ts",
    tests: ["test/auth/{constant-time,token,hmac-token,vectors,credential-vectors,signing-secret}.test.ts"],
  },
  urls: {
    sources: "src/auth/signed-url/*.ts",
    tests: [
      "test/auth/{sign-url,signed-url,verify-signed-url,signing-secret,vectors,credential-vectors}.test.ts",
    ],
  },
  links: {
    sources: "src/auth/links/*.ts",
    tests: ["test/auth/{links,link-mutations,vectors,credential-vectors}.test.ts"],
  },
  authenticators: {
    sources: "src/auth/authenticators/*.ts",
    tests: ["test/auth/{any-of,cache-model,hash-authenticator,remote-authenticator,hmac-token}.test.ts"],
  },
  verdict: {
    sources: "src/guard/verdict/*.ts",
    tests: ["test/guard/{answer-edits,cases,decide,fuzz,origins}.test.ts"],
  },
  spawn: {
    sources: "src/lifecycle/spawn/*.ts",
    tests: [
      "test/lifecycle/{abort,costs,events,failover,get-or-spawn,idempotency,limits,secrets,slow-create,spawn,token-changes}.test.ts",
      "test/lifecycle/{terminate,unknown-outcome,write-back}.test.ts",
      "test/{compute,compute-links}.test.ts",
    ],
  },
  reap: {
    sources: "src/lifecycle/reap/*.ts",
    tests: [
      "test/lifecycle/{abort,absence,accounts,budgets,costs,ends,events,get-or-spawn,orphans,reap,reap-pass}.test.ts",
      "test/lifecycle/{reaper,reaper-sign,terminate,unknown-outcome,webhooks}.test.ts",
    ],
  },
};

/** A file whose mutants are to be tested. */
interface Task {
  readonly part: string;
  readonly file: string;
  readonly source: string;
  readonly digest: string;
  readonly tests: string;
  /** True when the code is another than the listed one, and not the tests alone. */
  readonly isNew: boolean;
  /** Their number, which is a guess before the first test. */
  readonly mutants: number;
}

/** Files that Stryker tests at once, so that it starts seldom, and that its speed is known soon. */
const MAX_MUTANTS_AT_ONCE = 120;

const { values, positionals } = parseArgs({
  options: {
    write: { type: "boolean" },
    changed: { type: "boolean" },
    "at-once": { type: "string", default: "2" },
    seconds: { type: "string", default: "Infinity" },
  },
  allowPositionals: true,
});
const started = Date.now();
let secondsPerMutant = 0.3;
let isBroken = false;
const left: Task[] = [];
const tasks = Object.entries(PARTS).flatMap(([part, how]) => tasksOf(part, how));
if (tasks.length === 0) console.log("No file to test: neither its code nor its tests have changed.");
// Code before tests: a test seldom loses what it notices.
const ordered = [true, false].flatMap((isNew) => batches(tasks.filter((task) => task.isNew === isNew)));
for (const batch of ordered) {
  if (fits(batch)) await testBatch(batch);
  else left.push(...batch);
}
if (left.length > 0) {
  console.log(`The time did not suffice for ${left.length} of ${tasks.length} changed files. To test them:`);
  console.log(`npm run mutation -- --write ${left.map(({ file }) => file).join(" ")}`);
}
process.exitCode = isBroken ? 1 : 0;

/** The files of a part that the caller asked for. */
function tasksOf(part: string, { sources, tests: patterns }: Part): readonly Task[] {
  const list = readList(part);
  const isAsked = positionals.length === 0 || positionals.includes(part);
  const files = globSync(sources).filter((file) => isAsked || positionals.includes(file));
  if (files.length === 0) return [];
  const tests = digestOf(withWhatTheyRead(patterns));
  return files
    .map((file) => {
      const source = readFileSync(file, "utf8");
      const mutants = list[file]?.mutants ?? source.split("\n").length;
      const digest = digestOf([file]);
      return { part, file, source, digest, tests, isNew: list[file]?.digest !== digest, mutants };
    })
    .filter(({ file, digest }) => {
      const known = list[file];
      return values.changed !== true || known?.digest !== digest || known.tests !== tests;
    });
}

/** Small files first: they tell how long a mutant takes here. */
function batches(all: readonly Task[]): readonly (readonly Task[])[] {
  const made: Task[][] = [];
  for (const task of all.toSorted((one, other) => one.mutants - other.mutants)) {
    const batch = made.find(([first, ...rest]) => {
      const mutants = [first, ...rest, task].reduce((sum, one) => sum + (one?.mutants ?? 0), 0);
      return first?.part === task.part && mutants <= MAX_MUTANTS_AT_ONCE;
    });
    if (batch === undefined) made.push([task]);
    else batch.push(task);
  }
  return made;
}

function fits(batch: readonly Task[]): boolean {
  const passed = (Date.now() - started) / 1000;
  return passed + mutantsOf(batch) * secondsPerMutant <= Number(values.seconds);
}

function mutantsOf(tasks: readonly Task[]): number {
  return tasks.reduce((sum, { mutants }) => sum + mutants, 0);
}

/** Tests the mutants of some files of one part, and prints those that survive. */
async function testBatch(batch: readonly Task[]): Promise<void> {
  const begun = Date.now();
  const part = batch[0]?.part ?? "";
  const files = batch.map(({ file }) => file);
  console.log(`${part}: ${files.join(", ")}`);
  const results = await runStryker(files, PARTS[part]?.tests ?? []);
  const list = readList(part);
  const judged = batch.map((task) => [task.file, judgedFile(task, results)] as const);
  if (values.write === true) writeList(part, Object.fromEntries(judged));
  else for (const [file, { survivors }] of judged) report(file, survivors, list);
  if (results.length > 0) secondsPerMutant = (Date.now() - begun) / 1000 / results.length;
}

type Mutants = Awaited<ReturnType<Stryker["runMutationTest"]>>;

async function runStryker(files: readonly string[], tests: readonly string[]): Promise<Mutants> {
  process.env.MUTATION_SOURCES = JSON.stringify(files);
  process.env.MUTATION_TESTS = JSON.stringify(tests);
  const { Stryker } = await import("@stryker-mutator/core");
  return new Stryker({
    testRunner: "vitest",
    vitest: { configFile: "test/mutation/vitest.config.ts", related: false },
    plugins: ["@stryker-mutator/vitest-runner"],
    mutate: [...files],
    // A mutant of code that runs at the import would need every test anew.
    ignoreStatic: true,
    coverageAnalysis: "perTest",
    concurrency: Number(values["at-once"]),
    reporters: ["progress-append-only"],
    tempDirName: "node_modules/.cache/stryker",
    ignorePatterns: ["docs", "examples", "dist", "scripts", ".ci", "docker"],
    timeoutMS: 8_000,
  }).runMutationTest();
}

function report(file: string, survivors: readonly string[], list: List): void {
  for (const survivor of without(survivors, list[file]?.survivors ?? [])) {
    console.error(`SURVIVES  ${file}: ${survivor}`);
    isBroken = true;
  }
}

function judgedFile({ file, source, digest, tests }: Task, results: Mutants): Listed {
  // A mutant that does not compile or load says nothing about the tests.
  const mutants = results
    .filter(({ fileName }) => fileName.endsWith(file))
    .filter(({ status }) => /^(Killed|Timeout|Survived|NoCoverage)$/.test(status));
  const survivors = survivorsOf(source.split("\n"), mutants);
  console.log(`${file}: ${mutants.length - survivors.length} of ${mutants.length} mutants killed`);
  return { digest, tests, mutants: mutants.length, survivors };
}

/** The lines whose change no test notices, each with the change. */
function survivorsOf(lines: readonly string[], mutants: Mutants): readonly string[] {
  return mutants
    .filter(({ status }) => status === "Survived" || status === "NoCoverage")
    .map(({ location, replacement = "" }) => {
      const line = lines[location.start.line - 1]?.trim() ?? "";
      return `${line} → ${replacement.replaceAll(/\s+/g, " ").slice(0, 100)}`;
    })
    .toSorted();
}
