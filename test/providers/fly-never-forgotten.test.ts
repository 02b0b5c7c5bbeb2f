import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import type { FlyFault } from "../fakes/fly.ts";
import { flyContract } from "../fakes/fly-contract.ts";
import { flyRefusals } from "../fakes/fly-refusals.ts";
import type { FlyOperation } from "../fakes/fly-routes.ts";
import { FlyWorld, type Happening } from "./fly-world.ts";

const operations: readonly FlyOperation[] = [
  "createApp",
  "getApp",
  "deleteApp",
  "listApps",
  "assignAddress",
  "createVolume",
  "createMachine",
  "createMachine",
  "getMachine",
  "listMachines",
  "orgMachines",
  "deleteMachine",
  "start",
  "stop",
  "wait",
];

const faults: readonly FlyFault[] = [
  ...Object.values(flyRefusals).filter(({ status }) => status !== 401),
  ...(["timeout", "connection", "error"] as const).flatMap(
    (kind) => [`${kind}-before`, `${kind}-after`] as const,
  ),
  "unreadable-after",
  "malformed",
];

const which = fc.nat(3);
const happening = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant("spawn" as const),
      volume: fc.boolean(),
      idle: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant("fault" as const),
      operation: fc.constantFrom(...operations),
      fault: fc.constantFrom(...faults),
      times: fc.constantFrom(1, 1, 2, 6),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constantFrom("stop" as const, "start" as const, "terminate" as const),
      which,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constantFrom("exit" as const, "destroy" as const, "remove" as const),
      which,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant("advance" as const),
      seconds: fc.constantFrom(1, 10, 65, 130, 700),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant("full" as const),
      region: fc.constantFrom("fra" as const, "ams" as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ what: fc.constantFrom("reap" as const, "reap" as const, "heal" as const) }),
  },
) satisfies fc.Arbitrary<Happening>;

const numRuns = Number(process.env.ATLAS_TEST_RUNS ?? 25);

describe("whatever happens on Fly", () => {
  test.each([
    ["with an app for each compute", undefined],
    ["with one shared app", "computes"],
  ])(
    "%s, no machine is doubled or forgotten, and no app is left",
    async (_, shared) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(happening, { minLength: 1, maxLength: 15, size: "max" }),
          async (happenings) => {
            const world = new FlyWorld(shared);
            for (const one of happenings) await world.let(one);
            await world.comeToRest();
            expect(await world.findings()).toEqual([]);
            await world.endEverything();
            expect(await world.findings()).toEqual([]);
            expect(world.fake.cloud.apps.map(({ name }) => name)).toEqual(
              shared === undefined ? [] : [shared],
            );
          },
        ),
        { numRuns, interruptAfterTimeLimit: 300_000 },
      );
    },
    320_000,
  );
});

afterAll(() => {
  expect(flyContract?.violations ?? []).toEqual([]);
});
