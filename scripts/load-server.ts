/** Runs two thousand users at once against the example server: each spawns, follows, touches, and tries another user's compute. */
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createAdaptorServer } from "@hono/node-server";
import { createAtlas } from "atlas-compute";
import { mock } from "atlas-compute/mock";
import { sqliteStore } from "atlas-compute/sqlite";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { createApplication, MOUNT } from "../examples/server/application.ts";

const USERS = Number(process.argv[2] ?? 2000);
const TOUCHES = 5;
/** All users connect at the same moment. With the default backlog of 511 the others would wait for a retry of the system. */
const BACKLOG = 4096;
const HERE = fileURLToPath(import.meta.url);

/** Memory of the server's process, in MB. */
interface Memory {
  readonly rss: number;
  readonly heap: number;
}

/** The observations of one user. */
interface Sight {
  readonly id: string;
  readonly events: number;
  /** A sentence for each thing that should not have happened. */
  readonly wrongs: readonly string[];
}

/** Serves the example's application on a mock provider, and reports its memory on request. */
async function runServer(folder: string): Promise<void> {
  const atlas = createAtlas({ providers: [mock()], store: sqliteStore(join(folder, "atlas.db")) });
  const app = createApplication({ atlas, internalSecret: randomBytes(32).toString("base64url") });
  const server = createAdaptorServer({ fetch: app.fetch });
  server.listen(0, "127.0.0.1", BACKLOG);
  await once(server, "listening");
  process.on("message", () => {
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    process.send?.({ rss: Math.round(rss / 1e6), heap: Math.round(heapUsed / 1e6) } satisfies Memory);
  });
  process.once("disconnect", () => process.exit(0));
  process.send?.((server.address() as AddressInfo).port);
}

/** Latencies of one kind of call, in milliseconds. */
class Latencies {
  readonly #all: number[] = [];

  async measure(call: () => Promise<Response>): Promise<Response> {
    const begin = performance.now();
    const response = await call();
    this.#all.push(performance.now() - begin);
    return response;
  }

  toString(): string {
    const sorted = this.#all.toSorted((a, b) => a - b);
    const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(0);
    return `${sorted.length} calls, median ${at(0.5)} ms, 99 of 100 under ${at(0.99)} ms`;
  }
}

const latencies = { spawn: new Latencies(), touch: new Latencies(), list: new Latencies() };

/** One user, from sign-in to the moment before the end. */
class User {
  readonly #wrongs: string[] = [];
  readonly #base: string;
  readonly #name: string;
  #cookie = "";
  #events = 0;
  #following: Promise<void> = Promise.resolve();
  readonly #followed = Promise.withResolvers<void>();
  id = "";

  constructor(base: string, name: string) {
    this.#base = base;
    this.#name = name;
  }

  /** Signs in, spawns, and sees the first event. */
  async begin(): Promise<void> {
    const signedIn = await fetch(`${this.#base}/sign-in?user=${this.#name}`, { method: "POST" });
    await signedIn.body?.cancel();
    this.#cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    const created = await latencies.spawn.measure(() => this.#call("POST", "/computes"));
    const { id, userId } = (await created.json()) as { id: string; userId: string };
    this.#expect(created.status === 201 && userId === this.#name, `spawn: ${created.status} for ${userId}`);
    this.id = id;
    this.#following = this.#follow();
    await Promise.race([this.#followed.promise, this.#following]);
  }

  /** Touches the compute for a while, lists the user's computes, and tries another user's compute. */
  async live(other: string): Promise<void> {
    for (let count = 0; count < TOUCHES; count += 1) {
      const { status, body } = await latencies.touch.measure(() =>
        this.#call("POST", `/computes/${this.id}/touch`),
      );
      await body?.cancel();
      this.#expect(status === 200, `touch: ${status}`);
      await sleep(1000);
    }
    const listed = await latencies.list.measure(() => this.#call("GET", "/computes"));
    const { computes } = (await listed.json()) as { computes: { id: string }[] };
    this.#expect(computes.map(({ id }) => id).join() === this.id, "the list has another compute");
    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/touch"],
      ["GET", "/events"],
    ] as const) {
      const { status, body } = await this.#call(method, `/computes/${other}${path}`);
      await body?.cancel();
      this.#expect(status === 404, `${method} ${path} of another's compute: ${status}`);
    }
  }

  /** Ends the compute; its events have to end with it. */
  async end(): Promise<Sight> {
    const { status, body } = await this.#call("DELETE", `/computes/${this.id}`);
    await body?.cancel();
    this.#expect(status === 200, `delete: ${status}`);
    await this.#following;
    return { id: this.id, events: this.#events, wrongs: this.#wrongs };
  }

  #call(method: string, path: string): Promise<Response> {
    return fetch(`${this.#base}${MOUNT}${path}`, {
      method,
      headers: { cookie: this.#cookie, origin: this.#base },
    });
  }

  async #follow(): Promise<void> {
    const { body } = await this.#call("GET", `/computes/${this.id}/events`);
    if (body === null) return this.#expect(false, "no stream");
    const messages = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    for await (const { data } of messages) {
      this.#events += 1;
      this.#followed.resolve();
      this.#expect(JSON.parse(data).computeId === this.id, "an event of another compute");
    }
  }

  #expect(holds: boolean, wrong: string): void {
    if (!holds) this.#wrongs.push(wrong);
  }
}

async function runLoad(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-load-"));
  const server = fork(HERE, ["serve", folder], { execArgv: ["--expose-gc"] });
  const [port] = (await once(server, "message")) as [number];
  const memory = async (when: string): Promise<void> => {
    server.send("memory");
    const [{ rss, heap }] = (await once(server, "message")) as [Memory];
    console.log(`server memory ${when}: ${rss} MB resident, ${heap} MB of it live objects`);
  };
  const users = Array.from(
    { length: USERS },
    (_, index) => new User(`http://127.0.0.1:${port}`, `user-${index}`),
  );
  const begin = performance.now();
  await memory("before");
  await Promise.all(users.map((user) => user.begin()));
  await memory(`with ${USERS} computes and open streams`);
  await Promise.all(users.map((user, index) => user.live(users[(index + 1) % users.length]?.id ?? "")));
  await memory(`after ${USERS * TOUCHES} touches`);
  const sights = await Promise.all(users.map((user) => user.end()));
  await sleep(2000);
  await memory("after all users left");
  server.disconnect();
  report(sights, (performance.now() - begin) / 1000);
  await rm(folder, { recursive: true, force: true });
}

function report(sights: readonly Sight[], seconds: number): void {
  const wrongs = sights.flatMap((sight) => sight.wrongs);
  const events = sights.reduce((sum, sight) => sum + sight.events, 0);
  for (const [name, figures] of Object.entries(latencies)) console.log(`${name}: ${figures}`);
  console.log(
    `${sights.length} users, ${events} events streamed, ${wrongs.length} wrongs, in ${seconds.toFixed(0)} s`,
  );
  for (const wrong of new Set(wrongs)) console.log(`  ${wrong}`);
  if (wrongs.length > 0 || sights.length < USERS) process.exitCode = 1;
}

if (process.argv[2] === "serve") await runServer(process.argv[3] ?? "");
else await runLoad();
