import { afterEach, expect, it, vi } from "vitest";
import { createComputeClient } from "../../src/browser/index.ts";
import { manualClock } from "../../src/providers/mock/index.ts";
import { ada, ORIGIN, planeUnderTest } from "../server/plane.ts";

afterEach(() => vi.unstubAllGlobals());

it("asks the pod at once when the event stream has a report, however seldom it asks by then", async () => {
  const plane = planeUnderTest();
  const clock = manualClock();
  let readiness: object = { status: "starting" };
  let probes = 0;
  const send: typeof fetch = async (input, init) => {
    const url = new URL(String(input), ORIGIN);
    if (url.origin === ORIGIN)
      return plane.handler(
        new Request(url, { ...init, headers: { ...Object.fromEntries(new Headers(init?.headers)), ...ada } }),
      );
    probes += 1;
    return Response.json(readiness, { status: "computeId" in readiness ? 200 : 503 });
  };
  const streams: EventTarget[] = [];
  class FakeEventSource extends EventTarget {
    readyState = 1;
    constructor() {
      super();
      streams.push(this);
    }
    close(): void {
      this.readyState = 2;
    }
  }
  vi.stubGlobal("fetch", send);
  vi.stubGlobal("EventSource", FakeEventSource);
  const memory = new Map<string, string>();
  const storage = {
    getItem: (key: string) => memory.get(key) ?? null,
    setItem: (key: string, value: string) => void memory.set(key, value),
    removeItem: (key: string) => void memory.delete(key),
  };
  const session = await createComputeClient({ baseUrl: `${ORIGIN}/api/atlas`, storage, clock }).open();
  await plane.clock.advance(60);
  await plane.clock.settle(plane.atlas.reap());
  for (let second = 0; second < 40; second += 1) {
    await clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await vi.waitFor(() => expect(session.getSnapshot().phase).toBe("starting"));
  const before = probes;
  readiness = { computeId: session.getSnapshot().compute?.id, status: "ready" };
  for (const stream of streams) {
    const data = JSON.stringify({ type: "report", data: {}, at: new Date().toISOString() });
    stream.dispatchEvent(new MessageEvent("report", { data }));
  }
  await vi.waitFor(() => expect(session.getSnapshot().phase).toBe("ready"));
  expect(probes).toBe(before + 1);
  session.close();
});
