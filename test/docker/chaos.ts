/**
 * The chaos run on a real daemon. Two applications, each with a store of its own, race for two GPUs, while the daemon is killed and answers
 * get lost. A watcher beside them looks at the daemon itself, without any code under test between.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { liveStatuses } from "../../src/compute-record.ts";
import { type Atlas, createAtlas, isAtlasError } from "../../src/index.ts";
import { docker } from "../../src/providers/docker/index.ts";
import type { SpawnRequest } from "../../src/request.ts";
import { sqliteStore } from "../../src/stores/sqlite/index.ts";
import { TestDaemon } from "./daemon.ts";
import { type DroppingSocket, dropAnswers } from "./dropping-socket.ts";
import { devices } from "./subject.ts";

/** The size of a run. */
export interface ChaosSettings {
  readonly socket: string;
  readonly spawns: number;
  readonly kills: number;
  /** The share of answers that get lost. */
  readonly dropShare: number;
  readonly onProgress?: (text: string) => void;
}

/** The outcome of a run. */
export interface ChaosResult {
  /** Spawns by outcome: `spawned`, or the code of the error. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly dropped: number;
  readonly kills: number;
  readonly looks: number;
  /** Looks that saw both GPUs in use, each by one container. */
  readonly fullLooks: number;
  readonly seconds: number;
  /** Broken laws; empty when all is well. */
  readonly findings: readonly string[];
}

const LIVE = [...liveStatuses];
const SPAWNERS_AN_APPLICATION = 2;
const REST_SECONDS = 240;
const TIMING = {
  requestTimeoutSeconds: 10,
  createTimeoutSeconds: 20,
  lookupSeconds: 5,
  pendingGraceSeconds: 15,
  leaseSeconds: 10,
};

const BASE: SpawnRequest = {
  image: "tiny:1",
  command: ["sh", "-c", "exec httpd -f -p 8000 -h /www"],
  ports: [8000],
  idleTimeoutSeconds: 600,
};
const REQUESTS: readonly SpawnRequest[] = [
  BASE,
  { ...BASE, gpu: "l4" },
  { ...BASE, gpu: "any" },
  { ...BASE, gpu: "l4", gpuCount: 2 },
];

/** Runs it, and checks every law when all has come to rest. */
export async function runDockerChaos(settings: ChaosSettings): Promise<ChaosResult> {
  const start = performance.now();
  const folder = await mkdtemp(join(tmpdir(), "atlas-docker-chaos-"));
  const daemon = new TestDaemon(settings.socket);
  await using proxy = await dropAnswers(
    join(folder, "proxy.sock"),
    settings.socket,
    settings.dropShare,
    Math.random,
  );
  const applications = ["one", "two"].map((name) => connect(folder, name));
  const run = new Run(settings, daemon, applications);
  try {
    await run.play();
    proxy.heal();
    await run.comeToRest();
    return { ...run.result(proxy), seconds: (performance.now() - start) / 1000 };
  } finally {
    await Promise.all(applications.map((atlas) => atlas.close()));
    await rm(folder, { recursive: true });
  }
}

function connect(folder: string, name: string): Atlas {
  const provider = docker({ daemon: `unix://${join(folder, "proxy.sock")}`, devices });
  return createAtlas({
    providers: [provider],
    store: sqliteStore(join(folder, `${name}.db`)),
    timing: TIMING,
  });
}

class Run {
  readonly #settings: ChaosSettings;
  readonly #daemon: TestDaemon;
  readonly #applications: readonly Atlas[];
  readonly #outcomes: Record<string, number> = {};
  readonly #findings = new Set<string>();
  readonly #over = new AbortController();
  #begun = 0;
  #kills = 0;
  #looks = 0;
  #fullLooks = 0;

  constructor(settings: ChaosSettings, daemon: TestDaemon, applications: readonly Atlas[]) {
    this.#settings = settings;
    this.#daemon = daemon;
    this.#applications = applications;
  }

  async play(): Promise<void> {
    const watching = this.#watch();
    const reapers = this.#applications.map((atlas) => atlas.startReaper({ everySeconds: 1 }));
    const spawners = this.#applications.flatMap((atlas) =>
      Array.from({ length: SPAWNERS_AN_APPLICATION }, () => this.#spawnOn(atlas)),
    );
    await Promise.all([...spawners, this.#killNowAndThen()]);
    await Promise.all(reapers.map((reaper) => reaper.stop()));
    this.#over.abort();
    await watching;
  }

  async #spawnOn(atlas: Atlas): Promise<void> {
    while (this.#begun < this.#settings.spawns) {
      this.#begun += 1;
      const request = REQUESTS[Math.floor(Math.random() * REQUESTS.length)] ?? BASE;
      await this.#count(async () => {
        const compute = await atlas.spawnCompute(request);
        await sleep(Math.random() * 400);
        await compute.terminate().catch(() => undefined);
      });
      this.#settings.onProgress?.(`${this.#begun} spawns, ${this.#kills} kills`);
    }
  }

  async #count(spawn: () => Promise<void>): Promise<void> {
    const outcome = await spawn().then(
      () => "spawned",
      (error: unknown) => (isAtlasError(error) ? error.code : `a ${String(error)}`),
    );
    if (outcome.startsWith("a ")) this.#findings.add(`a spawn ended with ${outcome}`);
    this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
    if (outcome === "CAPACITY") await sleep(200);
    if (outcome === "TRANSPORT" || outcome === "UNAVAILABLE") await sleep(500);
  }

  async #killNowAndThen(): Promise<void> {
    const { spawns, kills } = this.#settings;
    for (let next = 1; next <= kills; next += 1) {
      while (this.#begun < Math.min((next * spawns) / (kills + 1), spawns)) await sleep(50);
      await sleep(Math.random() * 300);
      await this.#daemon.killAndRestart();
      this.#kills += 1;
    }
  }

  /** Looks all the time at which containers run with which GPUs. */
  async #watch(): Promise<void> {
    while (!this.#over.signal.aborted) {
      const listed = await this.#daemon.containers().catch(() => undefined);
      if (listed !== undefined) {
        this.#looks += 1;
        const running = listed.filter(({ State }) => State === "running");
        const gpus = running.flatMap(({ Labels }) => Labels["atlas.gpus"]?.split(",") ?? []);
        if (new Set(gpus).size < gpus.length) this.#findings.add(`a GPU was given twice: ${gpus.join()}`);
        if (gpus.length === 2) this.#fullLooks += 1;
      }
      await sleep(30);
    }
  }

  /** Reaps until every record has ended and nothing is left on the daemon, or the patience is over. */
  async comeToRest(): Promise<void> {
    const end = performance.now() + REST_SECONDS * 1000;
    let left: readonly string[] = ["not looked yet"];
    while (left.length > 0 && performance.now() < end) {
      for (const atlas of this.#applications) await this.#endAll(atlas);
      left = await this.#leftovers();
      await sleep(1_000);
    }
    for (const what of left) this.#findings.add(`left behind: ${what}`);
  }

  async #endAll(atlas: Atlas): Promise<void> {
    for await (const { id } of atlas.listComputes({ status: LIVE }))
      await atlas.terminate(id).catch(() => undefined);
    await atlas.reap();
  }

  async #leftovers(): Promise<readonly string[]> {
    const containers = await this.#daemon.containers();
    const active = await Promise.all(
      this.#applications.map(
        async (atlas) => (await Array.fromAsync(atlas.listComputes({ status: LIVE }))).length,
      ),
    );
    return [
      ...containers.map(({ Names, State, Labels }) => `${Names.join()} ${State} ${JSON.stringify(Labels)}`),
      ...(await this.#daemon.networksAndVolumes()),
      ...active.filter((count) => count > 0).map((count) => `${count} active records`),
    ];
  }

  result(proxy: DroppingSocket): Omit<ChaosResult, "seconds"> {
    return {
      outcomes: this.#outcomes,
      dropped: proxy.dropped(),
      kills: this.#kills,
      looks: this.#looks,
      fullLooks: this.#fullLooks,
      findings: [...this.#findings],
    };
  }
}
