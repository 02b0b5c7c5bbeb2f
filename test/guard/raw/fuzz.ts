/**
 * Mutates the corpus of raw requests against the guard's binary in front of real servers, with a seed: `npm run fuzz:raw`.
 * FUZZ_SECONDS is the time (60 by default), FUZZ_SEED the seed, FUZZ_BEHIND one of the servers. The laws: nothing without a credential reaches the server behind, no
 * request becomes two, the process lives, and its descriptors come back.
 */
import { type Behind, behindKinds, type Seen } from "./support/behind.ts";
import { corpus, textOf } from "./support/corpus.ts";
import { exchange, inParallel } from "./support/exchange.ts";
import { type GuardBinary, startBinary } from "./support/fronts.ts";
import { trespass } from "./support/judge.ts";
import { mutate, type Random, randomFrom } from "./support/mutate.ts";

const seconds = Number(process.env.FUZZ_SECONDS ?? 60);
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);
const only = process.env.FUZZ_BEHIND;
const BATCH = 400;
const MAX_SUSPECTS = 20;
const PARALLEL = 40;
const DESCRIPTORS_SPARE = 10;

const texts = corpus.cases.map(textOf).filter((text) => text.length < 12_000);

/** Every request that a text may bring: each head that it holds, as a proxy that reads it most kindly would find. */
function mostRequests(text: string): number {
  return Math.max(1, text.split(/ HTTP\/1/).length - 1);
}

/** Runs one batch, and returns a line for each violation. */
async function runBatch(random: Random, binary: GuardBinary, behind: Behind): Promise<string[]> {
  const batch = Array.from({ length: BATCH }, () => mutate(random, texts));
  await inParallel(batch, PARALLEL, async (text) => void (await exchange(binary.port, text, true)));
  await new Promise((resolve) => setTimeout(resolve, 100));
  const seen = behind.take();
  const most = batch.reduce((sum, text) => sum + mostRequests(text), 0);
  const lines = seen.flatMap((request) => trespass(request) ?? []);
  if (seen.length > most) lines.push(`${most} requests became ${seen.length}`);
  if (binary.child.exitCode !== null) lines.push(`the guard ended: ${binary.stderr().slice(-2000)}`);
  if (binary.stderr().includes("defect")) lines.push(binary.stderr().slice(-2000));
  if (lines.length === 0) return lines;
  const suspects = batch.filter((text) => isSuspect(text, seen)).slice(0, MAX_SUSPECTS);
  return [...lines, ...suspects.map((text) => JSON.stringify(text.slice(0, 2000)))];
}

/** True for a request that could have brought one of those that no credential admitted. */
function isSuspect(text: string, seen: readonly Seen[]): boolean {
  return seen.some(
    (request) =>
      trespass(request) !== undefined && text.includes(/c\d{3}/.exec(request.target)?.[0] ?? request.target),
  );
}

async function descriptorsReturn(binary: GuardBinary, before: number): Promise<string[]> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (binary.descriptors() <= before + DESCRIPTORS_SPARE) return [];
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return [`${binary.descriptors()} descriptors are open, and ${before} were at the start`];
}

async function fuzzInFrontOf(
  name: string,
  open: () => Promise<Behind>,
  random: Random,
  until: number,
): Promise<string[]> {
  await using behind = await open();
  await using binary = await startBinary(behind.port);
  behind.take();
  const before = binary.descriptors();
  let count = 0;
  const lines: string[] = [];
  while (performance.now() < until && lines.length === 0) {
    lines.push(...(await runBatch(random, binary, behind)));
    count += BATCH;
  }
  if (binary.child.exitCode === null) lines.push(...(await descriptorsReturn(binary, before)));
  console.log(`${name}: ${count} requests, ${lines.length === 0 ? "no violation" : "VIOLATED"}`);
  return lines.map((line) => `${name}: ${line}`);
}

console.log(`FUZZ_SEED=${seed} FUZZ_SECONDS=${seconds}`);
const kinds = behindKinds.filter(({ name, missing }) => {
  if (only !== undefined && only !== name) return false;
  if (missing !== undefined) console.log(`${name}: skipped, ${missing}`);
  return missing === undefined;
});
const begun = performance.now();
const violated: string[] = [];
for (const [index, { name, open }] of kinds.entries()) {
  const until = begun + (seconds * 1000 * (index + 1)) / kinds.length;
  violated.push(...(await fuzzInFrontOf(name, open, randomFrom(seed + index), until)));
}
for (const line of violated) console.log(line);
process.exit(violated.length === 0 ? 0 : 1);
