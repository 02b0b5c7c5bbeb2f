import fc from "fast-check";
import { expect, it } from "vitest";
import type { Atlas } from "../../src/atlas.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import { alive, type TenantsScene, tenantsScene } from "./scene.ts";

const NAMES = ["own", "acme", "beta", "gamma"] as const;
type Name = (typeof NAMES)[number];

interface Step {
  readonly caller: Name;
  readonly call: "spawn" | "terminate" | "stop" | "start" | "touch" | "reap" | "reapAll" | "revoke";
  /** An index into all computes of all tenants. */
  readonly target: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  caller: fc.constantFrom(...NAMES),
  call: fc.constantFrom(
    "spawn",
    "spawn",
    "terminate",
    "terminate",
    "stop",
    "start",
    "touch",
    "reap",
    "reapAll",
    "revoke",
  ),
  target: fc.nat({ max: 20 }),
});

interface Made {
  readonly id: string;
  readonly providerId: string;
  readonly caller: Name;
}

/** All tenants and the application itself, on one provider account. */
async function allAtlases({ tenants, join }: TenantsScene): Promise<ReadonlyMap<Name, Atlas>> {
  const atlases = new Map<Name, Atlas>([["own", tenants.atlas]]);
  for (const name of NAMES.slice(1)) atlases.set(name, (await join(name, "shared")).atlas);
  return atlases;
}

async function spawn(atlas: Atlas, caller: Name, { settle }: TenantsScene): Promise<Made> {
  const lifetime = { idleTimeoutSeconds: null, maxLifetimeSeconds: null };
  const { id, providerId } = await settle(atlas.spawnCompute({ image: "app:1", ports: [8000], ...lifetime }));
  if (providerId === null) throw new Error("a spawned compute has an id at the provider");
  return { id, providerId, caller };
}

it("only its owner's calls end an instance, in any sequence of calls on one shared account", {
  timeout: 60_000,
}, async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
    const clock = manualClock();
    const shared = mock({ clock });
    const scene = tenantsScene({ clock, ownProviders: [shared], providers: { mock: () => shared } });
    const atlases = await allAtlases(scene);
    const made: Made[] = [];
    const ended = new Set<string>();
    for (const { caller, call, target } of steps) {
      const atlas = atlases.get(caller);
      const compute = made[target % Math.max(made.length, 1)];
      if (atlas === undefined) throw new Error("every caller has an Atlas");
      if (call === "spawn") made.push(await spawn(atlas, caller, scene));
      if (call === "reap") await scene.settle(atlas.reap());
      if (call === "reapAll") await scene.settle(scene.tenants.atlas.reap());
      if (call === "revoke" && caller !== "own") await scene.tenants.revoke(caller);
      if (compute === undefined || !["terminate", "stop", "start", "touch"].includes(call)) continue;
      const calling = scene.settle(atlas[call as "terminate" | "stop" | "start" | "touch"](compute.id));
      const code = await calling.then(
        () => "done",
        (error: { code: string }) => error.code,
      );
      if (compute.caller !== caller) expect(code).toBe("NOT_FOUND");
      else if (call === "terminate") ended.add(compute.providerId);
      const expected = made.map(({ providerId }) => providerId).filter((id) => !ended.has(id));
      expect(alive(shared).map(({ id }) => id)).toEqual(expected);
    }
  });
  await fc.assert(property, { numRuns: 60 });
});
