/** The property of all worlds: whatever happens, nothing is doubled, forgotten or printed. */
import fc from "fast-check";
import { expect } from "vitest";
import { happenings, type Scenery } from "./happenings.ts";
import { World } from "./world.ts";

/** The number of runs. `ATLAS_RUNS` sets it, and `ATLAS_SEED` repeats the runs of a seed. */
export interface Effort {
  readonly runs: number;
  /** The most happenings in one run. */
  readonly longest: number;
}

const PATIENCE_MILLISECONDS = 60_000;
const PATIENCE_FOR_A_RUN_MILLISECONDS = 3_000;

/** The time that a test of so many runs may take, in milliseconds. */
export function patience({ runs }: Effort): number {
  return PATIENCE_MILLISECONDS + numRuns(runs) * PATIENCE_FOR_A_RUN_MILLISECONDS;
}

function numRuns(runs: number): number {
  return Number(process.env.ATLAS_RUNS ?? runs);
}

/** Plays random happenings, run after run, and checks the state when all has come to rest and when all was ended. */
export async function neverForgets<Fault>(scenery: Scenery<Fault>, { runs, longest }: Effort): Promise<void> {
  await load(scenery);
  const seed = process.env.ATLAS_SEED;
  const stretch = fc.array(happenings(scenery), { minLength: 1, maxLength: longest, size: "max" });
  const property = fc.asyncProperty(stretch, async (all) => {
    const world = new World(scenery);
    for (const one of all) await world.let(one);
    await world.comeToRest();
    expect(await world.findings()).toEqual([]);
    await world.endEverything();
    expect(await world.findings()).toEqual([]);
    expect(world.clouds.flatMap((cloud) => cloud.instances()).filter(({ alive }) => alive)).toHaveLength(
      world.ledger.strangers.length,
    );
  });
  await fc.assert(property, {
    numRuns: numRuns(runs),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  });
}

/** Loads the modules of a first call. On a clock that does not wait for them, loading would look like a provider that does not answer. */
async function load<Fault>(scenery: Scenery<Fault>): Promise<void> {
  const { clock, clouds } = new World(scenery);
  const context = { signal: new AbortController().signal, requestTimeoutSeconds: 30 };
  for (const cloud of clouds)
    await clock.settle(cloud.connect({ alive: true }).list({ namePrefix: "atlas-" }, context));
}
