/**
 * Random lives of pages in Chromium: `npm run e2e:random`, or `npm run e2e:random -- --lives 40 --seed 7 --seconds 90`.
 *
 * Each life is a user's: the page is opened, reloaded, mounted twice, left and reopened from the back/forward cache, duplicated, offline, or asks its pod,
 * while the control plane is killed and started again. No compute may ever be doubled or lost, every page comes to show the truth, and no token lies where
 * it outlives its tab. `--replay "open@0 restart@0.5"` lives one life once more. It exits with 1 when one invariant is broken.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Browser } from "playwright-core";
import { local } from "../src/providers/local/index.ts";
import { launch } from "../test/browser/browser.ts";
import { Life, makeStage, type Stage } from "../test/browser/lives/life.ts";
import { MOVES, type Move, makeLives, readMoves, written } from "../test/browser/lives/moves.ts";
import { reactPages } from "../test/browser/world/react-page.ts";
import { makeWorld } from "../test/browser/world/world.ts";

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: { seed: text, lives: text, seconds: text, "at-once": text, replay: text },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const count = Number(values.lives ?? 1000);
const end = performance.now() + Number(values.seconds ?? 7200) * 1000;
const lives = values.replay === undefined ? makeLives(seed, count) : [readMoves(values.replay)];
const atOnce = Math.min(Number(values["at-once"] ?? 6), lives.length);

const failures: string[] = [];
const carried = new Map<string, number>();
let begun = 0;
let done = 0;

/** Lives one life. */
async function live(stage: Stage, index: number, moves: readonly Move[]): Promise<void> {
  const life = new Life(stage, `user${index}`, await stage.browser.newContext());
  try {
    for (const { name, share } of moves) {
      await MOVES[name][1](life, share);
      await life.noteTokens();
      carried.set(name, (carried.get(name) ?? 0) + 1);
    }
    for (const finding of await life.rest()) fail(index, moves, finding);
  } catch (error) {
    fail(index, moves, String(error));
  } finally {
    await life.end();
    done += 1;
  }
}

function fail(index: number, moves: readonly Move[], finding: string): void {
  failures.push(finding);
  console.error(`BROKEN    life ${index}: ${finding}\n          --replay "${written(moves)}"`);
}

/** Lives the next lives, one after another, until the time is over. A world of their own keeps the restarts of others away from them. */
async function work(browser: Browser, pages: Readonly<Record<string, string>>): Promise<void> {
  await using world = await makeWorld(pages);
  await world.start();
  const stage = makeStage(world, browser);
  while (begun < lives.length && performance.now() < end) {
    const index = begun;
    begun += 1;
    await live(stage, index, lives[index] ?? []);
  }
  for (const name of await lost(stage)) fail(-1, [], `the instance ${name} runs and no compute knows it`);
  await stage.store.close();
}

/** The instances that run although the store has no compute of them that lives. */
async function lost({ world, store }: Stage): Promise<readonly string[]> {
  const provider = local({ stateDirectory: join(world.folder, "pods") });
  const context = { signal: AbortSignal.timeout(30_000), requestTimeoutSeconds: 30 };
  const instances = await provider.list({ namePrefix: "" }, context);
  const running = instances.filter(({ status }) => status === "running").map(({ name }) => name);
  const records = await store.list({ namespace: "default", names: running }, { limit: running.length + 1 });
  const known = new Set(records.filter(({ endedAt }) => endedAt === null).map(({ name }) => name));
  return running.filter((name) => !known.has(name));
}

console.log(`seed      ${seed}, ${lives.length} lives, ${atOnce} at once`);
const browser = await launch();
const progress = setInterval(() => console.log(`lives     ${done}, ${failures.length} broken`), 10_000);
const begin = performance.now();
try {
  const pages = await reactPages();
  await Promise.all(Array.from({ length: atOnce }, () => work(browser, pages)));
} finally {
  clearInterval(progress);
  await browser.close();
}
console.log(
  `lives     ${done} in ${Math.round((performance.now() - begin) / 1000)} s, ${failures.length} broken`,
);
console.log(`moves     ${[...carried].map(([name, times]) => `${name} ${times}`).join(", ")}`);
process.exitCode = failures.length > 0 ? 1 : 0;
