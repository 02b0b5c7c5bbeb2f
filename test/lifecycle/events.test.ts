import { describe, expect, it } from "vitest";
import { createAtlas, memoryStore } from "../../src/index.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import type { ComputeEvent } from "../../src/store.ts";
import { intercept } from "../support/intercept.ts";
import { type Scene, scene } from "../support/scene.ts";

async function collect(events: AsyncIterable<ComputeEvent>): Promise<ComputeEvent[]> {
  return Array.fromAsync(events);
}

function statuses(events: readonly ComputeEvent[]): readonly string[] {
  return events.map(({ status }) => status);
}

const whole = ["pending", "provisioning", "running", "terminating", "terminated"];

describe("the events of a compute", () => {
  it("are followed until it has ended, as they come", async () => {
    const { spawn, atlas, settle, clock } = scene({ mock: { bootSeconds: 5 } });
    const compute = await spawn({ userId: "u" });
    const seen: string[] = [];
    const following = (async () => {
      for await (const { status } of atlas.events(compute.id)) seen.push(status);
    })();
    await clock.advance(1);
    expect(seen).toEqual(["pending", "provisioning"]);
    await settle(compute.waitUntilReady());
    await clock.advance(1);
    expect(seen).toEqual(["pending", "provisioning", "running"]);
    await settle(Promise.all([atlas.terminate(compute.id), following]));
    expect(seen).toEqual(whole);
  });

  it("begin with the newest ones when a tail is wanted", async () => {
    const { spawn, atlas, settle } = scene();
    const { id } = await spawn({});
    await settle(atlas.terminate(id));
    const all = await collect(atlas.events(id));
    expect(await collect(atlas.events(id, { tail: 2 }))).toEqual(all.slice(-2));
    expect(await collect(atlas.events(id, { tail: 1000 }))).toEqual(all);
    expect(await collect(atlas.events(id, { tail: 0, follow: false }))).toEqual([]);
    expect(await collect(atlas.events(id, { tail: 3, after: all.at(-2)?.id }))).toEqual(all.slice(-1));
  });

  it("tell the time, the reason, the cost and the place", async () => {
    const { spawn, atlas, settle, clock } = scene({ mock: { costPerHour: 3.6 } });
    const compute = await spawn({ gpu: "l4" });
    await clock.advance(1000);
    await settle(atlas.terminate(compute.id));
    const events = await settle(collect(atlas.events(compute.id)));
    expect(events.at(-1)).toMatchObject({
      ...{ computeId: compute.id, type: "state", status: "terminated", reason: "requested", at: clock.now() },
      data: { provider: "mock", region: "mock-1" },
    });
    expect(events.at(-1)?.costSoFar).toBeCloseTo(1);
    expect(events.map(({ id }) => Number(id))).toEqual(
      events.map(({ id }) => Number(id)).toSorted((a, b) => a - b),
    );
  });

  it("can be read without waiting", async () => {
    const { spawn, atlas } = scene();
    const { id } = await spawn();
    expect(statuses(await collect(atlas.events(id, { follow: false })))).toEqual(["pending", "provisioning"]);
  });

  it("go on behind any event", async () => {
    const { spawn, atlas, settle } = scene();
    const { id } = await spawn();
    const [first] = await collect(atlas.events(id, { follow: false }));
    await settle(atlas.terminate(id));
    const rest = await settle(collect(atlas.events(id, { after: first?.id ?? "" })));
    expect(statuses(rest)).toEqual(["provisioning", "terminating", "terminated"]);
    const last = rest.at(-1)?.id ?? "";
    expect(await settle(collect(atlas.events(id, { after: last })))).toEqual([]);
  });

  it("end when the signal aborts, without an error, also while they are waited for", async () => {
    const { spawn, atlas, settle, clock } = scene({ mock: { bootSeconds: 500 } });
    const { id } = await spawn();
    const abort = new AbortController();
    const following = collect(atlas.events(id, { signal: abort.signal }));
    await clock.advance(100);
    abort.abort();
    expect(statuses(await settle(following))).toEqual(["pending", "provisioning"]);
    expect(clock.sleeping).toBe(0);
  });

  it("end when the signal aborts, also while the store does not answer", async () => {
    const clock = manualClock();
    const hanging = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const store = intercept(memoryStore({ clock }), ["events"], async () => {
      asked.resolve();
      await hanging.promise;
    });
    const { spawn, atlas, settle } = scene({ clock, store });
    const { id } = await spawn();
    const abort = new AbortController();
    const following = collect(atlas.events(id, { signal: abort.signal }));
    await asked.promise;
    abort.abort();
    expect(await settle(following)).toEqual([]);
    expect(clock.sleeping).toBe(0);
  });

  it("are not read again for what is written of other computes", async () => {
    const clock = manualClock();
    let reads = 0;
    const store = intercept(memoryStore({ clock }), ["events"], () => {
      reads += 1;
    });
    const { spawn, atlas } = scene({ clock, store });
    const abort = new AbortController();
    const limited = { maxLifetimeSeconds: 600, maxExtendedLifetimeSeconds: 6000 };
    const [followed, other] = [await spawn(limited), await spawn(limited)];
    const following = collect(atlas.events(followed.id, { signal: abort.signal, tail: 0 }));
    await clock.advance(5);
    const before = reads;
    await atlas.extend(other.id, { seconds: 60 });
    await clock.advance(1);
    expect(reads).toBe(before);
    await atlas.extend(followed.id, { seconds: 60 });
    await clock.advance(1);
    expect(reads).toBeGreaterThan(before);
    abort.abort();
    await following;
  });

  it("leave nothing behind when their reader stops", async () => {
    const { spawn, atlas, clock } = scene();
    const { id } = await spawn();
    for await (const _ of atlas.events(id)) break;
    expect(clock.sleeping).toBe(0);
  });

  it("come from other processes, too, by polling where the store cannot call", async () => {
    const clock = manualClock();
    const kept = memoryStore({ clock });
    const store = new Proxy(
      intercept(kept, [], () => undefined),
      {
        get: (of, key) => (key === "watch" ? undefined : Reflect.get(of, key)),
      },
    );
    const provider = mock({ clock, bootSeconds: 100 });
    const { spawn, atlas, settle } = scene({ clock, providers: [provider], store });
    const { id } = await spawn();
    const other = createAtlas({ providers: [provider], store: kept, clock });
    const following = collect(atlas.events(id));
    await clock.advance(3);
    await settle(other.terminate(id));
    expect(statuses(await settle(following))).toEqual([
      "pending",
      "provisioning",
      "terminating",
      "terminated",
    ]);
  });

  it("are all there, however many they are", async () => {
    const { spawn, atlas, settle, store, record } = scene();
    const { id } = await spawn();
    for (let index = 0; index < 450; index += 1) {
      const current = await record(id);
      const note = {
        type: "note",
        status: current.status,
        reason: null,
        costSoFar: null,
        data: { index },
      } as const;
      await store.replace({ ...current, version: current.version + 1 }, note);
    }
    await settle(atlas.terminate(id));
    expect(await settle(collect(atlas.events(id)))).toHaveLength(454);
  });

  it.each([[{ after: "x" }], [{ after: "" }], [{ since: "1" }], [{ follow: 1 }]])(
    "refuse %o",
    async (options) => {
      const { spawn, atlas, failure } = scene();
      const { id } = await spawn();
      expect(await failure(collect(atlas.events(id, options as never)))).toMatchObject({
        code: "VALIDATION",
      });
    },
  );

  it("are NOT_FOUND for a compute that is not there", async () => {
    const { atlas, failure } = scene();
    expect(await failure(collect(atlas.events("0".repeat(20))))).toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("the log lines of a compute", () => {
  async function withLines(): Promise<Scene & { readonly id: string }> {
    const set = scene();
    const { id } = await set.spawn();
    for (const line of ["one", "two", "three"]) set.provider.log("mock-1", line);
    return { ...set, id };
  }

  it("are the last ones, oldest first", async () => {
    const { atlas, id, settle } = await withLines();
    const lines = await settle(Array.fromAsync(atlas.logs(id, { tail: 2 })));
    expect(lines.map(({ line }) => line)).toEqual(["two", "three"]);
  });

  it("are followed until the instance is gone or the signal aborts", async () => {
    const { atlas, id, settle, clock, provider } = await withLines();
    const abort = new AbortController();
    const whole = Array.fromAsync(atlas.logs(id, { follow: true }));
    const cut = Array.fromAsync(atlas.logs(id, { follow: true, signal: abort.signal }));
    await clock.advance(1);
    provider.log("mock-1", "four");
    await clock.advance(1);
    abort.abort();
    await clock.advance(1);
    provider.log("mock-1", "five");
    await clock.advance(1);
    await settle(atlas.terminate(id));
    expect((await settle(whole)).map(({ line }) => line)).toEqual(["one", "two", "three", "four", "five"]);
    expect((await settle(cut)).map(({ line }) => line)).toEqual(["one", "two", "three", "four"]);
  });

  it("are errors in words when the provider fails, or has none", async () => {
    const { atlas, id, failure, provider } = await withLines();
    provider.script("logs", "not-an-error");
    expect(await failure(Array.fromAsync(atlas.logs(id)))).toMatchObject({ code: "PROVIDER", computeId: id });
    expect(await failure(Array.fromAsync(atlas.logs(id, { tail: -1 })))).toMatchObject({
      code: "VALIDATION",
    });
    const clock = manualClock();
    const { logs: _, ...silent } = mock({ clock });
    const other = scene({ clock, providers: [silent] });
    const compute = await other.spawn();
    expect(await other.failure(Array.fromAsync(other.atlas.logs(compute.id)))).toMatchObject({
      code: "UNSUPPORTED",
    });
  });
});
