import { expect, it } from "vitest";
import { type ActOptions, type Atlas, type Compute, createAtlas } from "../../src/index.ts";
import { type ManualClock, manualClock, mock } from "../../src/providers/mock/index.ts";

async function running(): Promise<{ atlas: Atlas; clock: ManualClock; compute: Compute }> {
  const clock = manualClock();
  const provider = mock({ clock });
  const atlas = createAtlas({ providers: [provider], fetch: provider.fetch, clock });
  const request = { ports: [8000], maxLifetimeSeconds: 3600, maxExtendedLifetimeSeconds: 7200 };
  const compute = await clock.settle(atlas.spawnCompute(request));
  await clock.settle(compute.waitUntilReady());
  return { atlas, clock, compute };
}

type Change = (of: { atlas: Atlas; compute: Compute }, actor: ActOptions) => Promise<unknown>;

const CHANGES: readonly (readonly [name: string, change: Change, handle: Change])[] = [
  [
    "touch",
    ({ atlas, compute: { id } }, actor) => atlas.touch(id, actor),
    ({ compute }, actor) => compute.touch(actor),
  ],
  [
    "extend",
    ({ atlas, compute: { id } }, actor) => atlas.extend(id, { seconds: 60, ...actor }),
    ({ compute }, actor) => compute.extend(60, actor),
  ],
  [
    "stop",
    ({ atlas, compute: { id } }, actor) => atlas.stop(id, actor),
    ({ compute }, actor) => compute.stop(actor),
  ],
  [
    "rotateToken",
    ({ atlas, compute: { id } }, actor) => atlas.rotateToken(id, actor),
    ({ compute }, actor) => compute.rotateToken(actor),
  ],
  [
    "terminate",
    ({ atlas, compute: { id } }, actor) => atlas.terminate(id, actor),
    ({ compute }, actor) => compute.terminate(actor),
  ],
];

it.each(
  CHANGES.flatMap(([name, ...ways]) =>
    ways.map((change, way) => [name, ["client", "handle"][way], change] as const),
  ),
)(
  "%s of the %s writes one event with its actor, and none of an actor without one",
  async (_name, _of, change) => {
    const world = await running();
    const { atlas, clock, compute } = world;
    await clock.settle(change(world, { by: "operator:grace" }));
    const events = await Array.fromAsync(atlas.events(compute.id, { follow: false }));
    expect(events.filter(({ data }) => data.by === "operator:grace")).toHaveLength(1);
    const plain = await running();
    await plain.clock.settle(change(plain, {}));
    const others = await Array.fromAsync(plain.atlas.events(plain.compute.id, { follow: false }));
    expect(others.filter(({ data }) => "by" in data)).toEqual([]);
  },
);

it("start and revokeToken name their actor, too", async () => {
  const { atlas, clock, compute } = await running();
  await clock.settle(compute.stop());
  await clock.settle(atlas.revokeToken(compute.id, { by: "operator:ann" }));
  await clock.settle(atlas.start(compute.id, { by: "operator:bob" }));
  const events = await Array.fromAsync(atlas.events(compute.id, { follow: false }));
  expect(events.slice(-2).map(({ type, status, data: { by } }) => [type, status, by])).toEqual([
    ["token", "stopped", "operator:ann"],
    ["state", "provisioning", "operator:bob"],
  ]);
});

it.each(["", "a\nb", "x".repeat(251)])(
  "refuses %j as the name of an actor, and changes nothing",
  async (by) => {
    const { atlas, clock, compute } = await running();
    for (const [, change] of CHANGES)
      await expect(clock.settle(change({ atlas, compute }, { by }))).rejects.toMatchObject({
        code: "VALIDATION",
      });
    expect((await compute.refresh()).status).toBe("running");
  },
);
