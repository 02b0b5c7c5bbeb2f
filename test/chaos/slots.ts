/** The run of slots: processes ask for the computes of many users, and are killed; never may two instances live for one slot. */
import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import { isLive } from "../../src/store.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { type PostgresServer, startPostgres } from "../stores/postgres-server.ts";
import { connectClient } from "./client.ts";
import { readComputes } from "./database.ts";
import { type FastTime, setDatabaseTime } from "./fast-time.ts";
import type { ProviderReport } from "./messages.ts";
import { Random } from "./random.ts";
import { type RemoteProvider, startProvider } from "./remote-provider.ts";
import { type Connection, SPEED } from "./settings.ts";

const WORKER = fileURLToPath(new URL("slots-worker.ts", import.meta.url));
const API_KEY = "rpa_CHAOS0123456789abcdefghijkl";
const PASSES_AFTERWARDS = 12;
const SECONDS_A_PASS = 301;

/** One answer of `getOrSpawn`, or its failure. Times are the machine's, in milliseconds. */
export interface SlotAnswer {
  readonly userId: string;
  readonly id?: string;
  readonly isNew?: boolean;
  readonly createdAt?: number;
  readonly code?: string;
  readonly begunAt: number;
  readonly endedAt: number;
}

/** The size of a run. It ends when calls and kills are reached, or the time is over. */
export interface SlotSettings {
  readonly seed: number;
  readonly users: number;
  readonly processes: number;
  readonly calls: number;
  readonly kills: number;
  readonly seconds: number;
}

/** The result of a run. */
export interface SlotResult {
  readonly answers: readonly SlotAnswer[];
  readonly kills: number;
  readonly provider: ProviderReport;
  /** Each broken law, in words. */
  readonly findings: readonly string[];
}

/** Runs it, on this machine's loopback only. */
export async function runSlots(
  settings: SlotSettings,
  onProgress: (answers: number, kills: number) => void = () => undefined,
): Promise<SlotResult> {
  const server = await startPostgres();
  const time = { anchor: Date.now(), speed: SPEED };
  const provider = await startProvider({ seed: settings.seed, apiKey: API_KEY, time });
  try {
    return await run(settings, { server, provider, time }, onProgress);
  } finally {
    await provider.stop();
    await server.stop();
  }
}

async function run(
  settings: SlotSettings,
  { server, provider, time }: { server: PostgresServer; provider: RemoteProvider; time: FastTime },
  onProgress: (answers: number, kills: number) => void,
): Promise<SlotResult> {
  const pool = server.pool();
  await setDatabaseTime(pool, time);
  await postgresStore(pool).migrate();
  const { connectionString } = server;
  const connection = { connectionString, providerUrl: provider.url, apiKey: API_KEY, time };
  const reaper = connectClient(connection, "reaper", { limits: {} });
  const answers: SlotAnswer[] = [];
  const kills = await storm(settings, connection, answers, async (soFar) => {
    await reaper.atlas.reap({ limit: 100 });
    onProgress(answers.length, soFar);
  });
  await provider.heal();
  for (let pass = 1; pass <= PASSES_AFTERWARDS; pass += 1) {
    await setDatabaseTime(pool, time, pass * SECONDS_A_PASS);
    await reaper.atlas.reap({ limit: 1000 });
  }
  const report = await provider.report();
  const findings = await findingsOf(pool, answers, report);
  await reaper.pool.end();
  return { answers, kills, provider: report, findings };
}

/** Keeps the processes alive but for the kills. @returns the number of kills */
async function storm(
  settings: SlotSettings,
  connection: Connection,
  answers: SlotAnswer[],
  meanwhile: (kills: number) => Promise<void>,
): Promise<number> {
  const { seed, users, processes, calls, seconds } = settings;
  const random = new Random(seed, "kills");
  const atWork = new Set<ChildProcess>();
  const started: ChildProcess[] = [];
  const start = (): ChildProcess => {
    const name = `slots-${started.length}`;
    const facts = { ...connection, name, seed, users, role: "application" };
    const child = fork(WORKER, [JSON.stringify(facts)], { execArgv: ["--no-warnings"] });
    child.on("message", (answer: SlotAnswer) => {
      atWork.add(child);
      answers.push(answer);
    });
    started.push(child);
    return child;
  };
  const alive = Array.from({ length: processes }, start);
  const end = performance.now() + seconds * 1000;
  let kills = 0;
  while (performance.now() < end && (answers.length < calls || kills < settings.kills)) {
    await sleep(100 + random.below(400));
    await meanwhile(kills);
    const victim = random.below(processes);
    const child = alive[victim];
    if (child === undefined || !atWork.has(child) || kills >= settings.kills) continue;
    child.kill("SIGKILL");
    kills += 1;
    alive[victim] = start();
  }
  for (const child of started) child.kill("SIGKILL");
  return kills;
}

async function findingsOf(
  pool: pg.Pool,
  answers: readonly SlotAnswer[],
  { peaks, pods }: ProviderReport,
): Promise<readonly string[]> {
  const rows = await readComputes(pool);
  const owners = new Map(rows.map(({ id, userId }) => [id, userId]));
  const findings: string[] = [];
  if (peaks.computesPerUser > 1)
    findings.push(`${peaks.computesPerUser} instances lived for one slot at one moment`);
  for (const { id, userId } of answers)
    if (id !== undefined && owners.get(id) !== userId)
      findings.push(`${userId} was given ${id} of ${owners.get(id)}`);
  for (const [userId, own] of Map.groupBy(rows, (row) => row.userId))
    if (own.filter(({ status }) => isLive(status)).length > 1) findings.push(`${userId} has two live rows`);
  const ours = pods.filter(({ isAlive, isStranger }) => isAlive && !isStranger);
  for (const [userId, own] of Map.groupBy(ours, (pod) => pod.userId))
    if (own.length > 1) findings.push(`${userId} has ${own.length} pods at rest`);
  return [...findings, ...olderAnswers(answers)];
}

/** A caller that begins after another one was answered gets the same compute, or a later one. */
function olderAnswers(answers: readonly SlotAnswer[]): readonly string[] {
  return [
    ...Map.groupBy(
      answers.filter(({ id }) => id !== undefined),
      ({ userId }) => userId,
    ),
  ].flatMap(([userId, own]) =>
    own
      .filter((later) =>
        own.some(
          (before) => before.endedAt < later.begunAt && (before.createdAt ?? 0) > (later.createdAt ?? 0),
        ),
      )
      .map(({ id }) => `${userId} was given ${id} after a later compute`),
  );
}
