/**
 * Mutation tests, by Stryker: `npm run mutation -- tokens`, `npm run mutation -- src/auth/token.ts`, or without an argument all parts.
 *
 * Stryker changes the code in one place at a time, and the tests have to notice. `test/mutation/survivors/PART.json` has, for each file that has been
 * tested so, the mutants that no test notices. The script exits with 1 for a survivor that the list has not, and `--write` brings the list up to date.
 * `--changed` takes the listed files only whose code has changed since, and `--at-once 1` leaves a processor to others.
 */
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Stryker } from "@stryker-mutator/core";

/** The parts that are tested by mutation, each with the tests that judge it. */
const PARTS: Readonly<Record<string, { readonly sources: string; readonly tests: readonly string[] }>> = {
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
    tests: ["test/guard/{answer-edits,cases,fuzz,origins}.test.ts"],
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
      "test/lifecycle/{absence,accounts,budgets,costs,ends,events,orphans,reap,reaper,reaper-sign}.test.ts",
      "test/lifecycle/{unknown-outcome,webhooks}.test.ts",
    ],
  },
};

/** The state of one file. */
interface Listed {
  /** The file's content when its mutants were tested. */
  readonly digest: string;
  readonly mutants: number;
  readonly survivors: readonly string[];
}

const { values, positionals } = parseArgs({
  options: {
    write: { type: "boolean" },
    changed: { type: "boolean" },
    "at-once": { type: "string", default: "2" },
  },
  allowPositionals: true,
});
let isBroken = false;
for (const [part, { sources, tests }] of Object.entries(PARTS)) {
  const list = listOf(part);
  const files = chosen(part, list, globSync(sources).toSorted());
  if (files.length > 0) await testFiles(part, list, files, tests);
}
process.exitCode = isBroken ? 1 : 0;

function listPath(part: string): string {
  return `test/mutation/survivors/${part}.json`;
}

function listOf(part: string): Readonly<Record<string, Listed>> {
  return existsSync(listPath(part)) ? JSON.parse(readFileSync(listPath(part), "utf8")) : {};
}

function writeList(part: string, list: Readonly<Record<string, Listed>>): void {
  const sorted = Object.entries(list).toSorted(([one], [other]) => one.localeCompare(other));
  writeFileSync(listPath(part), `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
}

function chosen(
  part: string,
  list: Readonly<Record<string, Listed>>,
  files: readonly string[],
): readonly string[] {
  const asked = positionals.length === 0 || positionals.includes(part);
  const own = asked ? files : files.filter((file) => positionals.includes(file));
  if (values.changed !== true) return own;
  return own.filter((file) => list[file] !== undefined && list[file].digest !== digestOf(file));
}

function digestOf(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 12);
}

/** Tests the mutants of these files, and prints those that survive. */
async function testFiles(
  part: string,
  list: Readonly<Record<string, Listed>>,
  files: readonly string[],
  tests: readonly string[],
): Promise<void> {
  console.log(`${part}: ${files.join(", ")}`);
  process.env.MUTATION_SOURCES = JSON.stringify(files);
  process.env.MUTATION_TESTS = JSON.stringify(tests);
  const results = await new Stryker({
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
    timeoutMS: 20_000,
  }).runMutationTest();
  const judged = files.map((file): readonly [string, Listed] => [
    file,
    judgedFile(
      file,
      results.filter(({ fileName }) => fileName.endsWith(file)),
    ),
  ]);
  if (values.write === true) {
    writeList(part, { ...list, ...Object.fromEntries(judged) });
    return;
  }
  for (const [file, { survivors }] of judged) {
    for (const survivor of without(survivors, list[file]?.survivors ?? [])) {
      console.error(`SURVIVES  ${file}: ${survivor}`);
      isBroken = true;
    }
  }
}

type Mutants = Awaited<ReturnType<Stryker["runMutationTest"]>>;

function judgedFile(file: string, results: Mutants): Listed {
  // A mutant that does not compile or load says nothing about the tests.
  const mutants = results.filter(({ status }) => /^(Killed|Timeout|Survived|NoCoverage)$/.test(status));
  const survivors = survivorsOf(file, mutants);
  console.log(`${file}: ${mutants.length - survivors.length} of ${mutants.length} mutants killed`);
  return { digest: digestOf(file), mutants: mutants.length, survivors };
}

/** The lines whose change no test notices, each with the change. */
function survivorsOf(file: string, mutants: Mutants): readonly string[] {
  const source = readFileSync(file, "utf8").split("\n");
  return mutants
    .filter(({ status }) => status === "Survived" || status === "NoCoverage")
    .map(({ location, replacement = "" }) => {
      const line = source[location.start.line - 1]?.trim() ?? "";
      return `${line} → ${replacement.replaceAll(/\s+/g, " ").slice(0, 100)}`;
    })
    .toSorted();
}

/** The items less the known ones, each of which counts once. */
function without(items: readonly string[], known: readonly string[]): readonly string[] {
  const left = [...known];
  return items.filter((item) => {
    const index = left.indexOf(item);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}
