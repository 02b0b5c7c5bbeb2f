/** The moves of a page's life, by name. Each gets a share from 0 up to 1, which chooses its tab or its length. */
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import type { Page } from "playwright-core";
import type { Life } from "./life.ts";

/** One move: its name, and its share. */
export interface Move {
  readonly name: keyof typeof MOVES;
  readonly share: number;
}

type Carry = (life: Life, share: number) => Promise<unknown>;

const OPEN = "(() => { const opening = computes.open(); follow(opening.session); return opening; })()";
const IS_PLAIN = "typeof computes === 'object'";
/** The verbs of a tab, whichever kind of page it has. */
const VERBS = "(globalThis.gpu ?? globalThis.session)";

/** Each move with its weight. */
export const MOVES = {
  open: [6, withPlainTab((tab) => tab.evaluate(`void ${OPEN}.catch(() => 0)`))],
  "open-twice": [
    3,
    withPlainTab((tab) => tab.evaluate(`void [${OPEN}, ${OPEN}].map((one) => one.catch(() => 0))`)),
  ],
  "open-and-wait": [3, withPlainTab((tab) => tab.evaluate(`${OPEN}.then(() => 0, () => 0)`))],
  "open-react": [3, (life, share) => life.open(share < 0.5 ? "/react18" : "/react19")],
  "second-tab": [2, (life) => life.open("/")],
  "duplicate-tab": [2, duplicate],
  "close-tab": [2, closeTab],
  reload: [4, reload],
  "away-and-back": [3, awayAndBack],
  "second-device": [1, secondDevice],
  offline: [3, (life, share) => offline(life, share * 4000)],
  "offline-for-a-minute": [0, (life) => offline(life, 60_000)],
  restart: [3, (life, share) => life.stage.restart(share * 2000)],
  "open-and-restart": [3, openAndRestart],
  ask: [5, ask],
  "spoil-token": [1, spoilToken],
  "another-user": [1, anotherUser],
  close: [
    1,
    withPlainTab((tab) => tab.evaluate("{ globalThis.session?.close(); globalThis.session = undefined; }")),
  ],
  end: [2, endCompute],
} as const satisfies Readonly<Record<string, readonly [weight: number, carry: Carry]>>;

/** The moves of so many lives, the same for the same seed. One life in fifty is offline for a whole minute. */
export function makeLives(seed: number, lives: number): readonly (readonly Move[])[] {
  const names = Object.entries(MOVES).flatMap(([name, [weight]]) => Array<string>(weight).fill(name));
  const move = fc.record({
    name: fc.constantFrom(...names),
    share: fc.integer({ min: 0, max: 99 }).map((part) => part / 100),
  }) as fc.Arbitrary<Move>;
  const long: Move = { name: "offline-for-a-minute", share: 0 };
  return fc
    .sample(fc.array(move, { minLength: 3, maxLength: 8 }), { seed, numRuns: lives })
    .map((moves, index) => (index % 50 === 49 ? [...moves.slice(0, 4), long, ...moves.slice(4, 6)] : moves));
}

/** Writes moves as a line. */
export function written(moves: readonly Move[]): string {
  return moves.map(({ name, share }) => `${name}@${share}`).join(" ");
}

/** Reads such a line. @throws Error for a move that does not exist */
export function readMoves(line: string): readonly Move[] {
  return line.split(" ").map((part) => {
    const [name = "", share = "0"] = part.split("@");
    if (!isMove(name))
      throw new Error(`no move is named "${name}"; there are: ${Object.keys(MOVES).join(", ")}`);
    return { name, share: Number(share) };
  });
}

function isMove(name: string): name is Move["name"] {
  return Object.hasOwn(MOVES, name);
}

/** A move in a tab with the client itself. A tab with the hook opens by itself and stays as it is. */
function withPlainTab(carry: (tab: Page) => Promise<unknown>): Carry {
  return async (life, share) => {
    const tab = await life.tab(share);
    if (await tab.evaluate<boolean>(IS_PLAIN)) await carry(tab);
  };
}

async function isLoaded(tab: Page): Promise<void> {
  await tab.waitForFunction("globalThis.isLoaded");
}

async function reload(life: Life, share: number): Promise<void> {
  const tab = await life.tab(share);
  await tab.reload();
  await isLoaded(tab);
}

async function awayAndBack(life: Life, share: number): Promise<void> {
  const tab = await life.tab(share);
  await tab.goto(`${life.stage.world.page}/elsewhere`);
  await sleep(share * 1000);
  await tab.goBack({ waitUntil: "commit" });
  await isLoaded(tab);
}

/** Begins with a copy of the tab's sessionStorage, as browsers duplicate a tab. */
async function duplicate(life: Life, share: number): Promise<void> {
  const tab = await life.tab(share);
  const opened = life.context.waitForEvent("page");
  await tab.evaluate("void window.open(location.href)");
  const copy = await opened;
  life.tabs.push(copy);
  await isLoaded(copy);
}

async function closeTab(life: Life, share: number): Promise<void> {
  const tab = await life.tab(share);
  life.tabs.splice(life.tabs.indexOf(tab), 1);
  await tab.close();
}

async function offline({ context }: Life, milliseconds: number): Promise<void> {
  await context.setOffline(true);
  await sleep(milliseconds);
  await context.setOffline(false);
}

async function openAndRestart(life: Life, share: number): Promise<void> {
  await MOVES.open[1](life, 0);
  await sleep(share * 300);
  await life.stage.restart(share * 1000);
}

/** Asks the pod, where this tab has one that lives. */
async function ask(life: Life, share: number): Promise<void> {
  const tab = await life.tab(share);
  const snapshot = await life.snapshot(tab);
  if (!(await life.lives(snapshot?.compute?.id))) return;
  const said = await tab.evaluate<string>(
    `${VERBS}.fetch("/hello").then((answer) => answer.text(), (error) => "failed: " + error)`,
  );
  // The compute may turn out to be one whose create never reached the provider.
  if (said !== "hello from the pod" && (await life.lives(snapshot?.compute?.id)))
    life.find(`the pod answered "${said}"`);
}

/** Puts a wrong token in the place of the tab's, as an older one is wrong after a rotation. */
async function spoilToken(life: Life, share: number): Promise<void> {
  const tab = await life.tab(share);
  await life.noteTokens();
  await tab.evaluate(
    "for (const key of Object.keys(sessionStorage)) sessionStorage.setItem(key, 'A'.repeat(43))",
  );
}

/** A device of the same user finds the compute, and spawns none by looking. */
async function secondDevice(life: Life): Promise<void> {
  const { browser, world } = life.stage;
  const context = await browser.newContext();
  const tab = await world.tab(context, life.user);
  await tab.evaluate("computes.restore()");
  await context.close();
}

/** Another user sees nothing of this one's computes. */
async function anotherUser(life: Life): Promise<void> {
  const { browser, world } = life.stage;
  const [record] = await life.records();
  const context = await browser.newContext();
  const tab = await world.tab(context, `${life.user}x`);
  if (await tab.evaluate<boolean>("computes.restore().then((found) => found !== undefined)"))
    life.find("another user's page restored a compute");
  if (record !== undefined) {
    const { status } = await life.stage.world.request(`${life.user}x`, "GET", `/computes/${record.id}`);
    if (status !== 404) life.find(`another user got ${status} for this user's compute`);
  }
  await context.close();
}

/** Ends the compute that this tab shows, where it lives. */
async function endCompute(life: Life, share: number): Promise<void> {
  const tab = await life.tab(share);
  const snapshot = await life.snapshot(tab);
  if (!(await life.lives(snapshot?.compute?.id))) return;
  const said = await tab.evaluate<string>(
    `${VERBS}.end().then(() => "", (error) => error.code ?? String(error))`,
  );
  if (!/^(CONFLICT)?$/.test(said)) life.find(`an end was answered by ${said}`);
}
