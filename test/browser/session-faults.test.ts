/** Faults that a page met, and their neighbours. */
import { getEventListeners } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type ComputeClient, type ComputeSession, createComputeClient } from "../../src/browser/index.ts";
import { type ManualClock, manualClock } from "../../src/providers/mock/index.ts";
import { ada, ORIGIN, type PlaneUnderTest, planeUnderTest } from "../server/plane.ts";
import { readyPod, tab, until } from "./tab.ts";

const opened: ComputeSession[] = [];
afterEach(() => {
  for (const session of opened.splice(0)) session.close();
  vi.unstubAllGlobals();
});

function sessionOf(client: ComputeClient): ComputeSession {
  const session = client.session();
  opened.push(session);
  return session;
}

it("keeps the request of one caller when another gives up", async () => {
  const plane = planeUnderTest();
  const page = tab(plane);
  sessionOf(page.client);
  const impatient = new AbortController();
  const first = page.client.open({ signal: impatient.signal });
  const second = page.client.open();
  impatient.abort(new Error("the user left"));
  await expect(first).rejects.toThrow("the user left");
  expect((await second).getSnapshot().compute?.status).toBe("provisioning");
  expect(plane.provider.instances).toHaveLength(1);
});

it("sends nothing for a caller who has given up already", async () => {
  const page = tab(planeUnderTest());
  await expect(page.client.open({ signal: AbortSignal.abort(new Error("gone")) })).rejects.toThrow("gone");
  expect(page.sent).toEqual([]);
});

it("leaves no listener on the signals of callers", async () => {
  const plane = planeUnderTest();
  const page = tab(plane);
  sessionOf(page.client);
  const { signal } = new AbortController();
  const session = await page.client.open({ signal });
  await plane.clock.advance(60);
  await plane.atlas.reap();
  page.state.pod = readyPod(
    () => session.getSnapshot().compute?.id,
    () => new Response("ok"),
  );
  await session.whenReady({ signal });
  await session.fetch("/", { signal });
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

it("counts and reads on when the slot is opened again right after a refusal", async () => {
  const plane = planeUnderTest();
  const clock = manualClock();
  const page = tab(plane, { clock });
  const session = sessionOf(page.client);
  const { handler } = plane;
  let isRefusing = true;
  Object.assign(plane, {
    handler: (request: Request) =>
      isRefusing && request.method === "PUT"
        ? Response.json({ code: "FORBIDDEN", detail: "no" }, { status: 403 })
        : handler(request),
  });
  await expect(page.client.open()).rejects.toMatchObject({ code: "FORBIDDEN" });
  isRefusing = false;
  await page.client.open();
  const sent = page.sent.length;
  for (let second = 0; second < 5; second += 1) {
    await plane.clock.advance(1);
    await clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(session.getSnapshot().elapsedSeconds).toBeGreaterThanOrEqual(4);
  expect(page.sent.length).toBeGreaterThan(sent);
});

it("asks for one token where many requests meet the same refusal", async () => {
  const plane = planeUnderTest();
  const page = tab(plane);
  const session = sessionOf(page.client);
  await page.client.open();
  await plane.clock.advance(60);
  await plane.atlas.reap();
  const old = [...page.memory.values()][0];
  page.state.pod = readyPod(
    () => session.getSnapshot().compute?.id,
    ({ headers }) =>
      headers.get("authorization") === `Bearer ${old}`
        ? new Response(null, { status: 401, headers: { "x-atlas-refusal": "1" } })
        : new Response("hello"),
  );
  const answers = await Promise.all(Array.from({ length: 8 }, () => session.fetch("/")));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  expect(page.sent.filter(({ url }) => url.endsWith("/token"))).toHaveLength(1);
});

it("tries again to restore when the page is offline, and says so", async () => {
  const plane = planeUnderTest();
  const page = tab(plane);
  (await page.client.open()).close();
  page.state.isOnline = false;
  const reloaded = page.reload();
  const session = sessionOf(reloaded);
  const restoring = reloaded.restore();
  await until(session, "offline");
  page.state.isOnline = true;
  expect(await restoring).toBe(session);
  expect(session.getSnapshot().phase).toBe("provisioning");
});

/** A page with an open session, whose pod runs and answers so. */
async function runningPod(respond: () => Response) {
  const plane = planeUnderTest();
  const page = tab(plane);
  const session = sessionOf(page.client);
  await page.client.open();
  await plane.clock.advance(60);
  await plane.atlas.reap();
  page.state.pod = readyPod(() => session.getSnapshot().compute?.id, respond);
  return { plane, page, session };
}

it("lets requests pass to a ready pod while the control plane is away", async () => {
  const { plane, session } = await runningPod(() => new Response("hello"));
  await session.whenReady();
  Object.assign(plane, { handler: () => Promise.reject(new TypeError("Failed to fetch")) });
  await session.extend(60).catch(() => undefined);
  await until(session, "offline");
  expect(await (await session.fetch("/")).text()).toBe("hello");
}, 30_000);

it("ends a request to the pod, and its pause, with the session", async () => {
  const { page, session } = await runningPod(
    () => new Response(null, { status: 503, headers: { "x-atlas-refusal": "1", "retry-after": "3600" } }),
  );
  const answer = session.fetch("/");
  await vi.waitFor(() => expect(page.sent.some(({ url }) => new URL(url).pathname === "/")).toBe(true), 5000);
  session.close();
  await expect(answer).rejects.toMatchObject({ code: "CONFLICT" });
});

it("refuses a wish that is no JSON, and sends nothing", async () => {
  const page = tab(planeUnderTest());
  sessionOf(page.client);
  const wish: Record<string, unknown> = {};
  wish.self = wish;
  await expect(page.client.open({ wish })).rejects.toThrow(TypeError);
  expect(page.sent.filter(({ method }) => method === "PUT")).toEqual([]);
  expect(page.client.session().getSnapshot().phase).toBe("none");
});

describe("with an event stream", () => {
  interface Streamed {
    readonly plane: PlaneUnderTest;
    readonly clock: ManualClock;
    readonly streams: FakeStream[];
    readonly reads: () => number;
    pass(seconds: number): Promise<void>;
  }

  class FakeStream extends EventTarget {
    readyState = 1;
    close(): void {
      this.readyState = 2;
    }
  }

  /** A page whose streams open, and do with it as the test says. */
  async function streamed(behaviour: (stream: FakeStream) => void): Promise<Streamed> {
    const plane = planeUnderTest();
    const clock = manualClock();
    const streams: FakeStream[] = [];
    let reads = 0;
    vi.stubGlobal("fetch", async (input: string, init: RequestInit = {}) => {
      const url = new URL(input, ORIGIN);
      if (url.origin !== ORIGIN) return new Response(null, { status: 502 });
      if (init.method === "GET") reads += 1;
      const headers = { ...Object.fromEntries(new Headers(init.headers)), ...ada };
      return plane.handler(new Request(url, { ...init, headers }));
    });
    vi.stubGlobal(
      "EventSource",
      class extends FakeStream {
        constructor() {
          super();
          streams.push(this);
          behaviour(this);
        }
      },
    );
    const memory = new Map<string, string>();
    const storage = {
      getItem: (key: string) => memory.get(key) ?? null,
      setItem: (key: string, value: string) => void memory.set(key, value),
      removeItem: (key: string) => void memory.delete(key),
    };
    const client = createComputeClient({ baseUrl: `${ORIGIN}/api/atlas`, storage, clock });
    sessionOf(client);
    await client.open();
    const pass = async (seconds: number): Promise<void> => {
      for (let tenth = 0; tenth < seconds * 10; tenth += 1) {
        await clock.advance(0.1);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    return { plane, clock, streams, reads: () => reads, pass };
  }

  it("reads every two seconds while a stream is open that brings nothing: a proxy holds it back", async () => {
    const { reads, pass } = await streamed(() => undefined);
    await pass(3);
    const before = reads();
    await pass(20);
    expect(reads() - before).toBeGreaterThanOrEqual(8);
  });

  it("reads seldom once the stream has brought something", async () => {
    const { streams, reads, pass } = await streamed(() => undefined);
    await pass(3);
    const data = JSON.stringify({ type: "report", data: {}, at: new Date().toISOString() });
    for (const stream of streams) stream.dispatchEvent(new MessageEvent("report", { data }));
    await pass(3);
    const before = reads();
    await pass(20);
    expect(reads() - before).toBeLessThanOrEqual(1);
  });

  it("does not hammer a control plane that refuses the stream", async () => {
    const { streams, reads, pass } = await streamed((stream) => {
      queueMicrotask(() => {
        stream.readyState = 2;
        stream.dispatchEvent(new Event("error"));
      });
    });
    await pass(3);
    const [readsBefore, streamsBefore] = [reads(), streams.length];
    await pass(10);
    expect(reads() - readsBefore).toBeLessThanOrEqual(6);
    expect(streams.length - streamsBefore).toBeLessThanOrEqual(6);
  });
});
