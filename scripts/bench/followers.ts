/**
 * The way of an event to the event streams of a control plane: one event for the 20 streams of its compute, of 10,000 in all (2,000 on a database), beside a control plane that
 * has no other streams; and an event of each of 50 computes to their 1,000 streams, beside an emitter by hand that writes the same bytes.
 */
import { EventEmitter } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Atlas, createAtlas, memoryStore } from "../../src/index.ts";
import { mock } from "../../src/providers/mock/index.ts";
import { createControlPlane } from "../../src/server/index.ts";
import type { Store } from "../../src/store.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { sqliteStore } from "../../src/stores/sqlite/index.ts";
import { startPostgres } from "../../test/stores/postgres-server.ts";
import {
  count,
  inDigits,
  inTurns,
  isQuick,
  median,
  millisecondsOf,
  ratios,
  report,
  settle,
} from "./figures.ts";

/** So many computes have 10,000 streams; 2,000 on a database, which each stream reads at each event. */
const COMPUTES: Readonly<Record<string, number>> = {
  memory: count(500, 5),
  SQLite: 100,
  PostgreSQL: 100,
};
const FEW_COMPUTES = count(50, 3);
/** A control plane allows a user so many streams. */
const STREAMS_EACH = 20;
const ROUNDS = count(3, 1);

/** A store under measurement. */
interface Opened {
  readonly store: Store;
  close(): Promise<void>;
}

const STORES: Readonly<Record<string, () => Promise<Opened>>> = {
  memory: async () => ({ store: memoryStore(), close: async () => undefined }),
  SQLite: async () => {
    const folder = await mkdtemp(join(tmpdir(), "atlas-bench-"));
    const store = sqliteStore(join(folder, "atlas.db"));
    return { store, close: () => rm(folder, { recursive: true }) };
  },
  PostgreSQL: async () => {
    const server = await startPostgres();
    const store = postgresStore(server.pool());
    await store.migrate();
    return { store, close: () => server.stop() };
  },
};

/** Counts the frames that the streams of one compute have read. */
class Followed {
  #frames = 0;
  #wanted = 0;
  #done: () => void = () => undefined;

  /** Reads a stream until it ends. */
  async read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const chunk of stream) {
      // Comments, such as the first one and those that keep a connection alive, are no events.
      if (chunk[0] === ":".charCodeAt(0)) continue;
      this.#frames += 1;
      if (this.#frames === this.#wanted) this.#done();
    }
  }

  /** Resolves when each of the streams has read one frame more. */
  next(streams: number): Promise<void> {
    this.#frames = 0;
    this.#wanted = streams;
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }
}

/** A control plane whose streams are open. */
interface Plane {
  /** Sends an event of each compute, or only of the first, and waits until all of their streams have it. */
  sendAll(): Promise<number>;
  sendOne(): Promise<number>;
  close(): Promise<void>;
}

async function openPlane(store: Store, computes: number): Promise<Plane> {
  const provider = mock();
  const atlas = createAtlas({ providers: [provider], store, controlUrl: "http://127.0.0.1:1/api/atlas" });
  const plane = createControlPlane({
    atlas,
    authorize: (request) => ({ userId: request.headers.get("x-user") ?? "" }),
    request: () => ({ ports: [8000] }),
  });
  // All are spawned before the first stream, because an event wakes every stream of the process.
  const spawned: string[] = [];
  for (let index = 0; index < computes; index += 1)
    spawned.push((await atlas.spawnCompute({ ports: [8000], userId: `user-${index}` })).id);
  const tokens = new Map(provider.instances.map(({ env }) => [env.ATLAS_COMPUTE_ID, env.ATLAS_POD_TOKEN]));
  const senders: (() => Promise<number>)[] = [];
  for (const [index, id] of spawned.entries()) {
    const followed = new Followed();
    for (let stream = 0; stream < STREAMS_EACH; stream += 1) {
      const headers = { "x-user": `user-${index}` };
      const { body, status } = await plane(
        new Request(`http://127.0.0.1/computes/${id}/events?tail=0`, { headers }),
      );
      if (body === null || status !== 200) throw new Error(`A stream was answered with ${status}.`);
      followed.read(body).catch((error: unknown) => console.error(error));
    }
    senders.push(() => send(atlas, tokens.get(id), followed));
  }
  await settle(2000);
  return {
    sendAll: () => millisecondsOf(() => Promise.all(senders.map((sendEvent) => sendEvent()))),
    sendOne: async () => {
      // A follower that has just been woken for another compute pauses first.
      await settle(500);
      return (await senders[0]?.()) ?? Number.NaN;
    },
    close: async () => {
      plane.closeStreams();
      await atlas.close();
    },
  };
}

async function send(atlas: Atlas, token: string | undefined, followed: Followed): Promise<number> {
  const compute = await atlas.findByPodToken(token);
  if (compute === undefined) throw new Error("A pod's token is not known.");
  return millisecondsOf(async () => {
    const read = followed.next(STREAMS_EACH);
    await compute.heartbeat(["requests"]);
    await read;
  });
}

/** An emitter for each compute, and a stream for each follower that gets the text of the event. */
function openByHand(): () => Promise<number> {
  const senders = Array.from({ length: FEW_COMPUTES }, (_, index) => {
    const emitter = new EventEmitter().setMaxListeners(STREAMS_EACH);
    const followed = new Followed();
    const encoder = new TextEncoder();
    for (let stream = 0; stream < STREAMS_EACH; stream += 1) {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          emitter.on("event", (event: object) =>
            controller.enqueue(encoder.encode(`id: 1\nevent: report\ndata: ${JSON.stringify(event)}\n\n`)),
          );
        },
      });
      followed.read(body).catch((error: unknown) => console.error(error));
    }
    return async (): Promise<void> => {
      const read = followed.next(STREAMS_EACH);
      emitter.emit("event", {
        id: "1",
        computeId: `${index}`,
        data: { kind: "heartbeat", signs: ["requests"] },
      });
      await read;
    };
  });
  return () => millisecondsOf(() => Promise.all(senders.map((sendEvent) => sendEvent())));
}

/** Opens a store with a control plane, works with it, and closes both. */
async function withPlane(
  open: () => Promise<Opened>,
  computes: number,
  work: (plane: Plane) => Promise<void>,
): Promise<void> {
  const { store, close } = await open();
  const plane = await openPlane(store, computes);
  try {
    await work(plane);
  } finally {
    await plane.close();
    await close();
  }
}

async function measureAll(name: string, plane: Plane): Promise<void> {
  const all = await inTurns(ROUNDS, { own: () => plane.sendAll(), byHand: openByHand() });
  report({
    measured: `an event of each of ${FEW_COMPUTES} computes, to all ${FEW_COMPUTES * STREAMS_EACH} streams, ${name}`,
    ours: `${inDigits(median(all.own))} ms`,
    peer: `an emitter by hand, without a store, ${inDigits(median(all.byHand))} ms`,
    ratio: ratios(all.own, all.byHand),
  });
}

async function measureOne(name: string, computes: number, many: Plane, few: Plane): Promise<void> {
  const one = await inTurns(ROUNDS, { own: () => many.sendOne(), peer: () => few.sendOne() });
  report({
    measured: `an event to the ${STREAMS_EACH} streams of its compute, of ${(computes * STREAMS_EACH).toLocaleString("en")} in all, ${name}`,
    ours: `${inDigits(median(one.own))} ms`,
    peer: `of ${STREAMS_EACH} in all, ${inDigits(median(one.peer))} ms`,
    ratio: ratios(one.own, one.peer),
  });
}

for (const [name, open] of Object.entries(STORES).slice(0, isQuick ? 1 : undefined)) {
  const computes = COMPUTES[name] ?? FEW_COMPUTES;
  await withPlane(open, FEW_COMPUTES, (plane) => measureAll(name, plane));
  await withPlane(open, computes, (many) =>
    withPlane(open, 1, (few) => measureOne(name, computes, many, few)),
  );
}
