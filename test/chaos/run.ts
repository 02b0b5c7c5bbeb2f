/** One run: a storm, and afterwards one clean reap. */
import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { isAtlasError } from "../../src/errors.ts";
import type { ReapReport } from "../../src/lifecycle/reap/reap.ts";
import { isLive } from "../../src/store.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { type PostgresServer, startPostgres } from "../stores/postgres-server.ts";
import { type ChaosClient, connectClient } from "./client.ts";
import { dump, readComputes, readUsage, replayEvents } from "./database.ts";
import { type FastTime, setDatabaseTime } from "./fast-time.ts";
import { Figures } from "./figures.ts";
import { type Evidence, findingsOf, type Handed, leaksOf } from "./findings.ts";
import { Fleet } from "./fleet.ts";
import type { Peaks, ProviderReport } from "./messages.ts";
import { Random } from "./random.ts";
import { type RemoteProvider, startProvider } from "./remote-provider.ts";
import { type ChaosSettings, type Connection, SPEED } from "./settings.ts";

const API_KEY = "rpa_CHAOS0123456789abcdefghijkl";

/** What a run came to. */
export interface ChaosResult {
  readonly figures: Figures;
  readonly provider: ProviderReport;
  readonly evidence: Evidence;
  readonly kills: number;
  readonly freezes: number;
  /** How many passes of the reaper it took afterwards until nothing was left to do. */
  readonly passes: number;
  /** How many computes are live at rest, each with its instance. */
  readonly live: number;
  readonly leaks: number;
  /** Every law that was broken, in words. */
  readonly findings: readonly string[];
  /** Where the workers' logs are. */
  readonly folder: string;
}

/** A run that goes on. */
export interface ChaosProgress {
  readonly seconds: number;
  readonly figures: Figures;
  readonly kills: number;
  readonly usage: Peaks;
}

/** What a run works on. */
interface Scene {
  readonly settings: ChaosSettings;
  readonly connection: Connection;
  readonly time: FastTime;
  readonly provider: RemoteProvider;
  readonly pool: pg.Pool;
  readonly folder: string;
  readonly figures: Figures;
  readonly handed: Handed[];
  readonly broken: string[];
}

/** Runs it. Nothing listens or connects anywhere but on this machine's loopback. */
export async function runChaos(
  settings: ChaosSettings,
  onProgress: (progress: ChaosProgress) => void = () => undefined,
): Promise<ChaosResult> {
  const server = await startPostgres();
  try {
    const time = { anchor: Date.now(), speed: SPEED };
    const provider = await startProvider({ seed: settings.seed, apiKey: API_KEY, time });
    try {
      return await act(await setScene(settings, server, provider, time), onProgress);
    } finally {
      await provider.stop();
    }
  } finally {
    await server.stop();
  }
}

async function setScene(
  settings: ChaosSettings,
  server: PostgresServer,
  provider: RemoteProvider,
  time: FastTime,
): Promise<Scene> {
  const pool = server.pool();
  await setDatabaseTime(pool, time);
  await postgresStore(pool).migrate();
  const { connectionString } = server;
  return {
    settings,
    connection: { connectionString, providerUrl: provider.url, apiKey: API_KEY, time },
    time,
    provider,
    pool,
    folder: await mkdtemp(join(tmpdir(), "atlas-chaos-")),
    figures: new Figures(),
    handed: [],
    broken: [],
  };
}

async function act(scene: Scene, onProgress: (progress: ChaosProgress) => void): Promise<ChaosResult> {
  const { fleet, usage } = await storm(scene, onProgress);
  await scene.provider.heal();
  const client = connectClient(scene.connection, "last-reaper");
  try {
    const passes = await comeToRest(scene, client);
    return await judge(scene, fleet, usage, passes);
  } finally {
    await client.pool.end();
  }
}

/** The name of the client of another deployment, which may change nothing (law 16). */
const COPY = "copy";
const COPY_MILLISECONDS = 1000;

/** Reaps with the client of another deployment, as a preview on production's database does. @returns the number of passes that changed nothing */
async function reapAsCopy({ connection, broken }: Scene, signal: AbortSignal): Promise<number> {
  const silent = (): void => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  const { atlas, pool } = connectClient(connection, COPY, { deployment: COPY, logger });
  let passes = 0;
  while (!signal.aborted) {
    await sleep(COPY_MILLISECONDS);
    const outcome = await atlas.reap().then(() => "a report", codeOf);
    // Before the first spawn the database belongs to no deployment.
    const isFree = passes === 0 && outcome === "a report";
    if (outcome === "CONFLICT") passes += 1;
    else if (!isFree && outcome !== "STORE_UNAVAILABLE")
      broken.push(`a reaper of another deployment answered ${outcome}`);
  }
  await pool.end();
  return passes;
}

function codeOf(error: unknown): string {
  return isAtlasError(error) ? error.code : String(error);
}

async function storm(
  scene: Scene,
  onProgress: (progress: ChaosProgress) => void,
): Promise<{ fleet: Fleet; usage: Peaks }> {
  const { settings, connection, folder } = scene;
  const { seed, applications, reapers } = settings;
  const roles = [
    ...Array<"application">(applications).fill("application"),
    ...Array<"reaper">(reapers).fill("reaper"),
  ];
  const fleet = new Fleet({
    connection,
    seed,
    folder,
    roles,
    onMessage: (message) => {
      if (message.kind === "done") scene.figures.count(message);
      else if (message.kind === "spawned") scene.handed.push(message);
      else scene.broken.push(message.what);
    },
  });
  const over = new AbortController();
  let copied: Promise<number> | undefined;
  try {
    await fleet.allAtWork();
    void fleet.harass(new Random(seed, "fleet"), over.signal);
    copied = reapAsCopy(scene, over.signal);
    return { fleet, usage: await watch(scene, fleet, onProgress) };
  } finally {
    over.abort();
    await fleet.killAll();
    if ((await copied) === 0) scene.broken.push("no reaper of another deployment was refused");
  }
}

const LOOK_MILLISECONDS = 200;
const PROGRESS_SECONDS = 5;

/** Looks at the rows again and again until the storm is over. @returns the most that was live in any look */
async function watch(
  { settings, pool, figures }: Scene,
  fleet: Fleet,
  onProgress: (progress: ChaosProgress) => void,
): Promise<Peaks> {
  const start = performance.now();
  let most: Peaks = { computes: 0, computesPerUser: 0, costPerHour: 0, costPerHourPerUser: 0 };
  let told = 0;
  for (;;) {
    const seconds = (performance.now() - start) / 1000;
    const usage = await readUsage(pool);
    most = greater(most, usage);
    if (seconds - told >= PROGRESS_SECONDS) {
      told = seconds;
      onProgress({ seconds, figures, kills: fleet.kills, usage });
    }
    if (seconds >= settings.seconds || figures.total("spawn") >= settings.spawns) return most;
    await sleep(LOOK_MILLISECONDS);
  }
}

function greater(one: Peaks, other: Peaks): Peaks {
  return {
    computes: Math.max(one.computes, other.computes),
    computesPerUser: Math.max(one.computesPerUser, other.computesPerUser),
    costPerHour: Math.max(one.costPerHour, other.costPerHour),
    costPerHourPerUser: Math.max(one.costPerHourPerUser, other.costPerHourPerUser),
  };
}

/** Longer than any task is put off, and than anything goes unlooked at. */
const SECONDS_A_PASS = 301;
const MAX_PASSES = 20;

/** Lets time pass and reaps until a pass has nothing to do. @returns how many passes that took */
async function comeToRest({ pool, time, broken }: Scene, { atlas }: ChaosClient): Promise<number> {
  for (let pass = 1; pass <= MAX_PASSES; pass += 1) {
    await setDatabaseTime(pool, time, pass * SECONDS_A_PASS);
    const report = await atlas.reap({ limit: 1000 });
    if (isIdle(report)) return pass;
  }
  broken.push(`after ${MAX_PASSES} passes the reaper still finds work`);
  return MAX_PASSES;
}

/** Strangers are reported by every pass, and left alone. */
function isIdle({ remaining, orphans, ...lists }: ReapReport): boolean {
  const ended = orphans.filter(({ reason }) => reason === "orphan");
  return !remaining && [ended, ...Object.values(lists)].every(({ length }) => length === 0);
}

async function judge(scene: Scene, fleet: Fleet, usage: Peaks, passes: number): Promise<ChaosResult> {
  const { pool, figures, handed, folder, broken } = scene;
  const [rows, provider, replayed] = await Promise.all([
    readComputes(pool),
    scene.provider.report(),
    replayEvents(pool),
  ]);
  const peaks = { "by the rows": usage, "by the events": replayed, "at the provider": provider.peaks };
  const texts = { "the database": await dump(pool), "the logs": await readAll(folder) };
  const evidence = { rows, provider, handed, frozen: fleet.frozen, peaks, texts, apiKey: API_KEY };
  return {
    figures,
    provider,
    evidence,
    kills: fleet.kills,
    freezes: fleet.frozen.size,
    passes,
    live: rows.filter(({ status }) => isLive(status)).length,
    leaks: leaksOf(evidence).length,
    findings: [...broken, ...findingsOf(evidence)],
    folder,
  };
}

async function readAll(folder: string): Promise<string> {
  const names = await readdir(folder);
  return (await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")))).join("\n");
}
