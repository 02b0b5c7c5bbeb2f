/** One user's life with the page: tabs, moves, and the invariants that hold when it comes to rest. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, BrowserContext, Page, Request } from "playwright-core";
import type { SessionSnapshot } from "../../../src/browser/index.ts";
import type { ComputeRecord, Store } from "../../../src/store.ts";
import { sqliteStore } from "../../../src/stores/sqlite/index.ts";
import type { World } from "../world/world.ts";

/** The time within which every tab shows the truth once nothing disturbs it: a create whose process died is taken up after `createGraceSeconds`, 75 at `local()`. */
const REST_MILLISECONDS = 120_000;
const LIVE = /^(pending|uncertain|provisioning|running)$/;
/** The phase of each end that may come to these lives: by the user, and of a create whose process died before it reached the provider. */
const ENDS: Readonly<Record<string, SessionSnapshot["phase"]>> = { requested: "ended", abandoned: "failed" };
/** The session of a tab, whichever kind of page it has. */
const SESSION = "(globalThis.gpu ?? globalThis.session?.getSnapshot())";

/** The world of one life at a time, and its store as an operator reads it. */
export interface Stage {
  readonly world: World;
  readonly browser: Browser;
  readonly store: Store;
  /** Ends the control plane as a crash does, and starts it again after that time. */
  restart(milliseconds: number): Promise<void>;
}

/** Sets the stage in a world that runs. */
export function makeStage(world: World, browser: Browser): Stage {
  return {
    world,
    browser,
    store: sqliteStore(join(world.folder, "atlas.db")),
    restart: async (milliseconds) => {
      await world.kill();
      await sleep(milliseconds);
      await world.start();
    },
  };
}

/** The life of one user, in one browser. */
export class Life {
  readonly stage: Stage;
  readonly user: string;
  readonly context: BrowserContext;
  readonly tabs: Page[] = [];
  /** Every token that a tab of this user has held. */
  readonly tokens = new Set<string>();
  readonly #sent: Request[] = [];
  readonly #findings: string[] = [];

  constructor(stage: Stage, user: string, context: BrowserContext) {
    this.stage = stage;
    this.user = user;
    this.context = context;
    context.on("request", (request) => void this.#sent.push(request));
  }

  /** The tab for the next move, by a share from 0 up to 1. Opens one where there is none. */
  async tab(share: number): Promise<Page> {
    return this.tabs[Math.floor(share * this.tabs.length)] ?? (await this.open("/"));
  }

  /** Opens a tab. A new one holds no token. */
  async open(path: string): Promise<Page> {
    const tab = await this.stage.world.tab(this.context, this.user, path);
    this.tabs.push(tab);
    return tab;
  }

  /** Notes a broken invariant. */
  find(finding: string): void {
    this.#findings.push(finding);
  }

  /** The snapshot of a tab's session; `undefined` where it has none. */
  async snapshot(tab: Page): Promise<SessionSnapshot | undefined> {
    return (await tab.evaluate<SessionSnapshot | null>(`${SESSION} ?? null`)) ?? undefined;
  }

  /** The user's computes, as the store has them. */
  records(): Promise<readonly ComputeRecord[]> {
    return this.stage.store.list({ namespace: "default", userId: this.user }, { limit: 100 });
  }

  /** True while the store has this compute, and it has not begun to end. */
  async lives(id: string | undefined): Promise<boolean> {
    return (await this.records()).some((record) => record.id === id && LIVE.test(record.status));
  }

  /** Remembers the tokens that the tabs hold now. */
  async noteTokens(): Promise<void> {
    for (const tab of this.tabs)
      for (const token of await tab.evaluate<string[]>("Object.values(sessionStorage)"))
        this.tokens.add(token);
  }

  /** Waits until every tab shows the truth, and judges the whole life. @returns the broken invariants */
  async rest(): Promise<readonly string[]> {
    await this.context.setOffline(false);
    for (const tab of this.tabs) await this.#settle(tab);
    await this.noteTokens();
    const records = await this.records();
    if (doubled(records)) this.find(`two computes lived at once: ${records.map(brief).join(", ")}`);
    await this.#judgeTokens();
    return this.#findings;
  }

  async #settle(tab: Page): Promise<void> {
    const end = performance.now() + REST_MILLISECONDS;
    for (;;) {
      const snapshot = await this.snapshot(tab);
      const untrue = snapshot && (await this.#untruth(snapshot));
      if (untrue === undefined) return;
      if (performance.now() > end) return this.find(`a tab rests in an untruth: ${untrue}`);
      await sleep(100);
    }
  }

  /** The difference between a page and the store. */
  async #untruth({ phase, compute }: SessionSnapshot): Promise<string | undefined> {
    if (compute === undefined) return phase === "none" ? undefined : `${phase} without a compute`;
    const record = (await this.records()).find(({ id }) => id === compute.id);
    if (record === undefined) return `${phase} of ${compute.id}, which the store has not`;
    const wanted = LIVE.test(record.status) ? "ready" : ENDS[`${record.reason}`];
    return phase === wanted ? undefined : `${phase} of ${brief(record)}`;
  }

  /** A token is in the tab and on its way to the pod, and nowhere else. */
  async #judgeTokens(): Promise<void> {
    const { world } = this.stage;
    const places: Record<string, string> = {
      store: await world.stored(),
      "output of the control plane": world.printed(),
      cookies: JSON.stringify(await this.context.cookies()),
      addresses: this.#sent.map((request) => request.url()).join("\n"),
      "requests to others than the pod": this.#sent
        .filter((request) => request.url().startsWith(world.page) || request.url().startsWith(world.plane))
        .map((request) => JSON.stringify([request.headers(), request.postData()]))
        .join("\n"),
    };
    for (const tab of this.tabs)
      places[`tab ${this.tabs.indexOf(tab)}`] = await tab.evaluate<string>(
        "JSON.stringify(localStorage) + document.cookie + location.href + (globalThis.name ?? '')",
      );
    for (const token of this.tokens)
      for (const [place, text] of Object.entries(places))
        if (text.includes(token)) this.find(`a token is in the ${place}`);
    const stranger = await this.context.newPage();
    await stranger.goto(`${world.page}/elsewhere`);
    if ((await stranger.evaluate("sessionStorage.length")) !== 0) this.find("a token outlives its tab");
  }

  /** Ends what still runs, and closes the browser. */
  async end(): Promise<void> {
    await this.context.close();
    for (const { id } of (await this.records()).filter(({ status }) => LIVE.test(status)))
      await this.stage.world.request(this.user, "DELETE", `/computes/${id}`);
  }
}

/** True where two computes of the user's one slot lived at the same time. */
function doubled(records: readonly ComputeRecord[]): boolean {
  const inOrder = records.toSorted((one, other) => one.createdAt.getTime() - other.createdAt.getTime());
  return inOrder.some((record, index) => {
    const next = inOrder[index + 1];
    return next !== undefined && (record.endedAt === null || record.endedAt > next.createdAt);
  });
}

function brief({ id, status, reason, createdAt, endedAt }: ComputeRecord): string {
  return `${id} (${status}, ${reason}, ${createdAt.toISOString()} to ${endedAt?.toISOString()})`;
}
