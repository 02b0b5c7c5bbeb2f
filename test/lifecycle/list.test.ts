import { describe, expect, it } from "vitest";
import type { Compute } from "../../src/compute.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import { type Scene, scene } from "../support/scene.ts";

/** A scene with 25 computes of three users, the last five ended. */
async function many(): Promise<Scene & { readonly ids: readonly string[] }> {
  const set = scene();
  const ids: string[] = [];
  for (let index = 0; index < 25; index += 1) {
    const { id } = await set.spawn({ userId: `user-${index % 3}` });
    if (index >= 20) await set.settle(set.atlas.terminate(id));
    ids.unshift(id);
    if (index % 2 === 0) await set.clock.advance(1);
  }
  return { ...set, ids };
}

function idsOf(computes: readonly Compute[]): readonly string[] {
  return computes.map(({ id }) => id);
}

describe("a list of computes", () => {
  it("is its first page when it is awaited", async () => {
    const { atlas } = await many();
    const { computes, nextCursor } = await atlas.listComputes({ limit: 10 });
    expect([computes.length, nextCursor]).toEqual([10, expect.any(String)]);
    expect((await atlas.listComputes()).nextCursor).toBeNull();
  });

  it("is everything, newest first and each once, when it is iterated", async () => {
    const { atlas, ids } = await many();
    for (const limit of [1, 7, 25, 1000]) {
      const listed = await Array.fromAsync(atlas.listComputes({ limit }));
      expect(idsOf(listed).toSorted()).toEqual(ids.toSorted());
      const times = listed.map(({ createdAt }) => createdAt.getTime());
      expect(times).toEqual(times.toSorted((a, b) => b - a));
    }
  });

  it("goes on from a page, and from a page's cursor", async () => {
    const { atlas } = await many();
    const all = idsOf(await Array.fromAsync(atlas.listComputes()));
    const page = await atlas.listComputes({ limit: 10 });
    expect(idsOf(await Array.fromAsync(page))).toEqual(all);
    const next = await atlas.listComputes({ limit: 10, cursor: page.nextCursor });
    expect(idsOf(next.computes)).toEqual(all.slice(10, 20));
    expect(idsOf(await Array.fromAsync(atlas.listComputes({ limit: 4, cursor: page.nextCursor })))).toEqual(
      all.slice(10),
    );
    const last = await atlas.listComputes({ limit: 10, cursor: next.nextCursor });
    expect([last.computes.length, last.nextCursor]).toEqual([5, null]);
  });

  it("is searched for a text in ids, names, users and slots", async () => {
    const { atlas, ids } = await many();
    const found = async (search: string): Promise<readonly string[]> =>
      idsOf(await Array.fromAsync(atlas.listComputes({ search })));
    expect(await found(ids[3] ?? "")).toEqual([ids[3]]);
    expect(await found("er-1")).toHaveLength(8);
    expect(await found("%")).toEqual([]);
    await expect(atlas.listComputes({ search: "" })).rejects.toMatchObject({ code: "VALIDATION" });
  });

  it("keeps to its filters on every page", async () => {
    const { atlas } = await many();
    const ofUser = await Array.fromAsync(atlas.listComputes({ userId: "user-1", limit: 3 }));
    expect([ofUser.length, new Set(ofUser.map(({ userId }) => userId))]).toEqual([8, new Set(["user-1"])]);
    expect(await Array.fromAsync(atlas.listComputes({ status: "terminated", limit: 2 }))).toHaveLength(5);
    expect(
      await Array.fromAsync(atlas.listComputes({ status: ["provisioning", "running"], limit: 6 })),
    ).toHaveLength(20);
    expect(await Array.fromAsync(atlas.listComputes({ provider: "mock" }))).toHaveLength(25);
    expect(await Array.fromAsync(atlas.listComputes({ provider: "fly" }))).toEqual([]);
  });

  it("misses nothing and repeats nothing that was there when others come and go", async () => {
    const { atlas, spawn, settle, ids } = await many();
    const listed: string[] = [];
    for await (const { id } of atlas.listComputes({ limit: 5 })) {
      listed.push(id);
      if (listed.length === 7) await settle(Promise.all([spawn(), atlas.terminate(ids[10] ?? "")]));
    }
    expect(listed.toSorted()).toEqual(ids.toSorted());
  });

  it("works with then(), catch and all", async () => {
    const { atlas } = await many();
    const [one, two] = await Promise.all([
      atlas.listComputes({ limit: 1 }),
      atlas.listComputes({ limit: 2 }),
    ]);
    expect([one.computes.length, two.computes.length]).toEqual([1, 2]);
    expect(await atlas.listComputes().then(({ computes }) => computes.length)).toBe(25);
  });

  it("shows the cost of each so far, and no secret", async () => {
    const { atlas, clock } = await many();
    await clock.advance(3600);
    const { computes } = await atlas.listComputes({ status: "provisioning" });
    for (const { costSoFar, auth } of computes) {
      expect(costSoFar).toBeGreaterThan(0.05);
      expect(auth?.token).toBeUndefined();
    }
  });

  it.each([
    [{ limit: 0 }, "limit"],
    [{ limit: 1001 }, "limit"],
    [{ limit: 1.5 }, "limit"],
    [{ status: "gone" }, "status"],
    [{ status: ["running", "gone"] }, "status"],
    [{ cursor: "x" }, "cursor"],
    [{ cursor: "1.2.3" }, "cursor"],
    [{ cursor: "9999999999999999.0" }, "cursor"],
    [{ cursor: "" }, "cursor"],
    [{ user: "u" }, "user"],
  ])("refuses %o", async (options, named) => {
    const { atlas, failure } = scene();
    const error = await failure(Promise.resolve().then(() => atlas.listComputes(options as never)));
    expect(error).toMatchObject({ code: "VALIDATION", message: expect.stringContaining(`${named}`) });
  });
});

describe("the list of GPU types", () => {
  it("is every provider's, without those that have no catalogue", async () => {
    const clock = manualClock();
    const { listGpuTypes: _, ...silent } = mock({ clock, name: "silent" });
    const providers = [
      mock({ clock, gpus: [{ id: "l4", costPerHour: 0.5 }] }),
      silent,
      mock({ clock, name: "two", gpus: [{ id: "a10" }] }),
    ];
    const { atlas, settle } = scene({ clock, providers });
    expect(
      (await settle(atlas.listGpuTypes())).map(({ provider, id, costPerHour }) => [
        provider,
        id,
        costPerHour,
      ]),
    ).toEqual([
      ["mock", "l4", 0.5],
      ["two", "a10", 1],
    ]);
  });
});
