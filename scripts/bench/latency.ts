/**
 * The time from the first answer of a pod's server to the page that knows: over HTTP with server-sent events, with `local()`, the guard and every
 * store. Where a store can be shared, the pod reports to another control plane than the page's. Needs `--experimental-eventsource`.
 */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serve } from "@hono/node-server";
import { type ComputeSession, createComputeClient } from "../../src/browser/index.ts";
import { type Atlas, createAtlas, memoryStore } from "../../src/index.ts";
import { local } from "../../src/providers/local/index.ts";
import { createControlPlane } from "../../src/server/index.ts";
import type { Store } from "../../src/store.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { sqliteStore } from "../../src/stores/sqlite/index.ts";
import { freePort } from "../../test/guard/support/proxied.ts";
import { startPostgres } from "../../test/stores/postgres-server.ts";
import { count, isQuick, median, report } from "./figures.ts";

const ROUNDS = count(9, 1);
/** The times that a pod's server takes to load, spread so that no poll keeps step with them. */
const FIRST_SECONDS = 0.5;
const STEP_SECONDS = 0.137;

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** A server that begins to listen after a while, and answers with the time at which it did. */
const PROGRAM = `setTimeout(() => {
  let since = 0;
  const server = require("node:http").createServer((_request, response) => response.end(String(since)));
  server.listen(Number(process.env.TARGET), "127.0.0.1", () => { since = Date.now(); });
}, Number(process.env.LOAD_SECONDS) * 1000)`;

const GUARDED = `exec "$NODE" "${MAIN}" guard --no-log --listen "127.0.0.1:$PORT" --target "http://127.0.0.1:$TARGET" -- "$NODE" -e "$PROGRAM"`;

/** The stores of one measurement: the page's, and the pod's where that is another one. */
interface Stores {
  readonly page: Store;
  readonly pod?: Store;
  close(): Promise<void>;
}

interface Subject {
  readonly name: string;
  open(): Promise<Stores>;
}

async function openSqlite(isShared: boolean): Promise<Stores> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-latency-"));
  const open = (): Store => sqliteStore(join(folder, "atlas.db"));
  return {
    page: open(),
    ...(isShared && { pod: open() }),
    close: () => rm(folder, { recursive: true }),
  };
}

async function openPostgres(isShared: boolean): Promise<Stores> {
  const server = await startPostgres();
  const page = postgresStore(server.pool());
  await page.migrate?.();
  return { page, ...(isShared && { pod: postgresStore(server.pool()) }), close: () => server.stop() };
}

const SUBJECTS: readonly Subject[] = [
  { name: "memory", open: async () => ({ page: memoryStore(), close: async () => undefined }) },
  { name: "SQLite", open: () => openSqlite(false) },
  { name: "SQLite, two store objects", open: () => openSqlite(true) },
  { name: "PostgreSQL", open: () => openPostgres(false) },
  { name: "PostgreSQL, two store objects", open: () => openPostgres(true) },
];

/** A control plane that listens. */
interface Plane extends AsyncDisposable {
  readonly url: string;
  readonly atlas: Atlas;
}

async function startPlane(store: Store, stateDirectory: string, reportTo?: string): Promise<Plane> {
  let handler: (request: Request) => Promise<Response> = async () => new Response(null, { status: 503 });
  const server = serve({ fetch: (request) => handler(request), port: 0, hostname: "127.0.0.1" });
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const providers = [local({ stateDirectory, stopTimeoutSeconds: 1 })];
  const atlas = createAtlas({ providers, store, controlUrl: reportTo ?? url });
  const plane = createControlPlane({
    atlas,
    authorize: () => ({ userId: "ada" }),
    request: (_user, input) => ({
      command: ["sh", "-c", GUARDED],
      env: { ...(input as Record<string, string>), NODE: process.execPath, PROGRAM },
      ports: [8000],
      auth: "bearer",
    }),
  });
  handler = plane;
  return {
    ...{ url, atlas },
    [Symbol.asyncDispose]: async () => {
      plane.closeStreams();
      server.close();
      await atlas.close();
    },
  };
}

/** Milliseconds from the first answer of the pod's server. */
interface Round {
  readonly event: number;
  readonly page: number;
}

/** The time at which the page's stream has the report of the pod that it is ready. */
function readyEvent(url: string, id: string): Promise<number> {
  const source = new EventSource(`${url}/computes/${id}/events`);
  return new Promise((resolve) => {
    source.addEventListener("report", (event) => {
      const { kind, status } = JSON.parse(String((event as MessageEvent).data)).data;
      if (kind !== "status" || status !== "ready") return;
      resolve(Date.now());
      source.close();
    });
  });
}

async function playRound({ url }: Plane, round: number): Promise<Round> {
  const memory = new Map<string, string>();
  const storage = {
    getItem: (key: string) => memory.get(key) ?? null,
    setItem: (key: string, value: string) => void memory.set(key, value),
    removeItem: (key: string) => void memory.delete(key),
  };
  const loadSeconds = FIRST_SECONDS + round * STEP_SECONDS;
  const wish = { TARGET: String(await freePort()), LOAD_SECONDS: String(loadSeconds) };
  const session = await createComputeClient({ baseUrl: url, storage }).open({ wish });
  const event = readyEvent(url, session.getSnapshot().compute?.id ?? "");
  await session.whenReady();
  const page = Date.now();
  const first = Number(await (await session.fetch("/")).text());
  const times = { event: (await event) - first, page: page - first };
  await end(session);
  return times;
}

async function end(session: ComputeSession): Promise<void> {
  await session.end();
  session.close();
}

async function measure({ name, open }: Subject): Promise<void> {
  const stores = await open();
  const folder = await mkdtemp(join(tmpdir(), "atlas-latency-pods-"));
  try {
    const rounds: Round[] = [];
    await using pods = stores.pod && (await startPlane(stores.pod, folder));
    await using plane = await startPlane(stores.page, folder, pods?.url);
    for (let round = 0; round < ROUNDS; round += 1) rounds.push(await playRound(plane, round));
    const event = rounds.map((round) => round.event);
    const page = rounds.map((round) => round.page);
    report({
      ...{ measured: name, ours: inWords(page), peer: inWords(event) },
      budget: { limit: 300, better: "less", value: median(page), unit: "ms in the middle" },
    });
  } finally {
    await stores.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function inWords(times: readonly number[]): string {
  return `${median(times)} ms (${Math.min(...times)} to ${Math.max(...times)})`;
}

for (const subject of isQuick ? SUBJECTS.slice(1, 2) : SUBJECTS) await measure(subject);
