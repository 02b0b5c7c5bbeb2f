import { describe, expect, it } from "vitest";
import { AtlasError } from "../../src/errors.ts";
import { createAtlas } from "../../src/index.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import type { Store } from "../../src/store.ts";
import { intercept } from "../support/intercept.ts";
import { type Scene, type SceneOptions, scene } from "../support/scene.ts";

const unknownId = "0123456789abcdefghij";

/** A scene, and the owner tag of its store. */
async function world(options?: SceneOptions): Promise<Scene & { readonly owner: string }> {
  const set = scene(options);
  return { ...set, owner: await set.store.identity() };
}

describe("law 5: ours or not ours", () => {
  it("ends an instance of ours that no record points to, and says so", async () => {
    const { provider, reap, owner, alive } = await world();
    provider.add({ name: `atlas-default-${unknownId}`, owner });
    expect((await reap()).orphans).toEqual([
      { computeId: unknownId, provider: "mock", providerId: "mock-1", reason: "orphan" },
    ]);
    expect(alive()).toEqual([]);
    expect((await reap()).orphans).toEqual([]);
  });

  it("reports one of another store, names no compute of ours for it, and leaves it alone", async () => {
    const { provider, reap, alive } = await world();
    provider.add({ name: `atlas-default-${unknownId}`, owner: "another store" });
    provider.add({ name: `atlas-default-${unknownId}` });
    const { orphans } = await reap();
    expect(orphans.map(({ providerId, reason }) => [providerId, reason])).toEqual([
      ["mock-1", "another store's, left alone"],
      ["mock-2", "another store's, left alone"],
    ]);
    expect(orphans.some((orphan) => "computeId" in orphan)).toBe(false);
    expect(alive()).toHaveLength(2);
  });

  it("takes no other name for one of ours, not even under our own tag", async () => {
    const { provider, reap, owner, alive } = await world();
    const names = [
      ...[
        "atlas-default-",
        "atlas-default-x",
        `atlas-default-${unknownId}k`,
        `atlas-default-${unknownId.slice(1)}`,
      ],
      ...[
        `atlas-default-${unknownId.toUpperCase()}`,
        `atlas-default-a-${unknownId}`,
        `atlas-default-${unknownId}-1`,
      ],
      ...[
        `atlas-default2-${unknownId}`,
        `atlas-other-${unknownId}`,
        `my-atlas-default-${unknownId}`,
        "atlas",
        unknownId,
      ],
    ];
    for (const name of names) provider.add({ name, owner });
    expect((await reap()).orphans).toEqual([]);
    expect(alive().map(({ name }) => name)).toEqual(names);
  });

  it("keeps namespaces apart that begin alike, on one store", async () => {
    const one = await world({ namespace: "app" });
    const two = createAtlas({
      providers: [one.provider],
      store: one.store,
      clock: one.clock,
      namespace: "app2",
    });
    await one.settle(two.spawnCompute({}));
    await one.spawn();
    expect((await one.reap()).orphans).toEqual([]);
    expect((await one.settle(two.reap())).orphans).toEqual([]);
    expect(one.alive()).toHaveLength(2);
  });

  it("never touches an instance that another store's client spawned on the same account", async () => {
    const one = await world();
    const two = await world({ clock: one.clock, providers: [one.provider] });
    const { id } = await one.spawn();
    await one.clock.advance(1000);
    expect((await two.reap()).orphans).toMatchObject([{ reason: "another store's, left alone" }]);
    await two.settle(two.atlas.reap({ orphans: "terminate" }));
    expect(one.alive().map(({ name }) => name)).toEqual([`atlas-default-${id}`]);
  });

  it("ends a living instance whose compute has ended", async () => {
    const { spawn, provider, atlas, settle, reap, alive, owner, clock } = await world();
    const { id } = await spawn();
    await settle(atlas.terminate(id));
    provider.add({ name: `atlas-default-${id}`, owner });
    await clock.advance(1);
    expect((await reap()).orphans).toMatchObject([{ computeId: id, providerId: "mock-2" }]);
    expect(alive()).toEqual([]);
  });

  it("ends a second instance of a compute and keeps the first", async () => {
    const { spawn, provider, reap, alive, owner } = await world();
    const { id, providerId } = await spawn();
    provider.add({ name: `atlas-default-${id}`, owner });
    expect((await reap()).orphans).toMatchObject([{ computeId: id, providerId: "mock-2" }]);
    expect(alive().map((instance) => instance.id)).toEqual([providerId]);
  });

  it("ends the very instance of a compute whose end was requested, when its provider shows it again", async () => {
    const { spawn, provider, atlas, settle, reap, record, alive, clock } = await world();
    const { id, providerId } = await spawn();
    await settle(atlas.terminate(id));
    provider.setStatus(String(providerId), "running");
    await clock.advance(1);
    expect((await reap()).orphans).toMatchObject([{ computeId: id, providerId, reason: "orphan" }]);
    expect(await record(id)).toMatchObject({ status: "terminated", reason: "requested" });
    expect(alive()).toEqual([]);
  });

  it.each([
    ["a part in an unknown state may belong to a whole instance: it is left alone", "unknown", true, 0],
    ["a part in a known state is ended", "failed", true, 1],
    ["a whole instance in an unknown state is ended", "unknown", undefined, 1],
    ["an instance that the list still shows as terminated is left alone", "terminated", undefined, 0],
  ] as const)("%s", async (_, status, partial, ended) => {
    const clock = manualClock();
    const provider = mock({ clock });
    const list: typeof provider.list = async (...call) =>
      (await provider.list(...call)).map((one) => ({ ...one, status, ...(partial && { partial }) }));
    const set = await world({ clock, providers: [{ ...provider, list }] });
    provider.add({ name: `atlas-default-${unknownId}`, owner: set.owner });
    expect((await set.reap()).orphans).toHaveLength(ended);
    expect(provider.calls.filter(({ operation }) => operation === "terminate")).toHaveLength(ended);
  });

  it("keeps an instance that another process is creating meanwhile", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    const spawning = intercept(provider, ["create"], async () => {
      await set.atlas.reap();
    });
    const set = await world({ clock, providers: [spawning] });
    const { id } = await set.spawn();
    expect((await set.reap()).orphans).toEqual([]);
    expect(provider.instances).toMatchObject([{ name: `atlas-default-${id}` }]);
  });

  it("does not end again an instance that another worker ended after the list was read", async () => {
    let meanwhile = async (): Promise<unknown> => undefined;
    const set = await world({
      through: (store) => intercept(store, ["list"], () => meanwhile()),
    });
    const { id } = await set.spawn();
    const other = createAtlas({ providers: [set.provider], store: set.store, clock: set.clock });
    meanwhile = () => other.terminate(id);
    expect((await set.reap()).orphans).toEqual([]);
    expect((await set.record(id)).status).toBe("terminated");
    expect(set.count("terminate")).toBe(1);
  });
});

describe("the search for orphans", () => {
  async function withOrphans(count: number): Promise<Scene> {
    const set = await world({ mock: { pageSize: 3 } });
    for (let index = 0; index < count; index += 1)
      set.provider.add({ name: `atlas-default-${String(index).padStart(20, "0")}`, owner: set.owner });
    return set;
  }

  it('only reports with "report"', async () => {
    const { reap, alive } = await withOrphans(2);
    const report = await reap({ orphans: "report" });
    expect(report).toMatchObject({ failed: [], remaining: false });
    expect(report.orphans).toHaveLength(2);
    expect(alive()).toHaveLength(2);
  });

  it('does not look with "ignore"', async () => {
    const { reap, alive, count } = await withOrphans(2);
    expect((await reap({ orphans: "ignore" })).orphans).toEqual([]);
    expect([alive().length, count("list")]).toEqual([2, 0]);
  });

  it.each([{}, { orphans: "terminate" }] as const)("ends with %o", async (options) => {
    const { reap, alive } = await withOrphans(2);
    expect((await reap(options)).orphans).toHaveLength(2);
    expect(alive()).toEqual([]);
  });

  it("ends a page of them, and says that more are left", async () => {
    const { reap, alive } = await withOrphans(7);
    const first = await reap({ limit: 5 });
    expect([first.orphans.length, first.remaining, alive().length]).toEqual([5, true, 2]);
    expect(await reap({ limit: 2 })).toMatchObject({ remaining: false });
    expect(alive()).toEqual([]);
  });

  it("says which could not be ended, and tries again", async () => {
    const { reap, alive, provider } = await withOrphans(2);
    provider.script("terminate", "error-before");
    const report = await reap();
    expect(report.orphans).toHaveLength(1);
    expect(report.failed).toMatchObject([
      { reason: "orphan", error: expect.stringContaining("it answered 500") },
    ]);
    expect((await reap()).orphans).toHaveLength(1);
    expect(alive()).toEqual([]);
  });

  it("ends at most eight at the same time, and logs each", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    let [running, most] = [0, 0];
    const terminate: typeof provider.terminate = async (...call) => {
      running += 1;
      most = Math.max(most, running);
      await clock.sleep(1000);
      running -= 1;
      return provider.terminate(...call);
    };
    const lines: unknown[][] = [];
    const ignore = (): void => undefined;
    const warn = (...line: unknown[]): void => void lines.push(line);
    const logger = { debug: ignore, info: ignore, warn, error: ignore };
    const set = await world({ clock, providers: [{ ...provider, terminate }], logger });
    const names = Array.from(
      { length: 20 },
      (_, index) => `atlas-default-${String(index).padStart(20, "0")}`,
    );
    for (const name of names) provider.add({ name, owner: set.owner });
    expect((await set.reap()).orphans).toHaveLength(20);
    expect(most).toBe(8);
    expect(lines).toHaveLength(20);
    const [name] = names;
    expect(lines[0]).toEqual(["ended an orphan on mock", { providerId: "mock-1", name }]);
  });

  it("remembers the account where it sees instances of ours, beside those of others, and no other account", async () => {
    const set = await world();
    set.provider.add({ name: `atlas-default-${unknownId}`, owner: "another store" });
    await set.reap();
    expect(set.count("account")).toBe(0);
    await set.spawn();
    await set.reap({ dryRun: true });
    expect(set.count("account")).toBe(0);
    await set.reap();
    expect(set.count("account")).toBe(1);
  });

  it("says that the store is down, as such, when the account cannot be remembered", async () => {
    const down = (): never => {
      throw new AtlasError("STORE_UNAVAILABLE", "the store is down");
    };
    const set = await world({ through: (store) => intercept(store, ["remember"], down) });
    await set.spawn();
    expect(await set.failure(set.atlas.reap())).toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it("leaves an instance alone that is ending already", async () => {
    const { reap, provider, count } = await withOrphans(1);
    provider.setStatus("mock-1", "terminating");
    expect((await reap()).orphans).toEqual([]);
    expect(count("terminate")).toBe(0);
  });

  it("finds them among many instances of computes that live", async () => {
    const asked: unknown[] = [];
    const through = (store: Store): Store =>
      intercept(store, ["list"], (_, [filter, page]) => {
        const { names } = Object(filter);
        if (names !== undefined) asked.push([names.length, Object(page).limit]);
      });
    const set = await world({ through });
    await set.reap();
    expect(asked).toEqual([]);
    await set.settle(Promise.all(Array.from({ length: 1200 }, () => set.atlas.spawnCompute({}))));
    set.provider.add({ name: `atlas-default-${unknownId}`, owner: set.owner });
    expect((await set.reap()).orphans).toMatchObject([{ computeId: unknownId }]);
    expect(set.alive()).toHaveLength(1200);
    expect(asked).toEqual([500, 500, 201].map((count) => [count, count]));
  });
});
