import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Happening, World } from "../support/never-forgotten.ts";

const which = fc.nat(5);
const faults = {
  create: [
    ...["capacity", "quota", "refused-pool", "rate-limit", "bad-key", "balance", "invalid", "boot-failure"],
    ...[
      "timeout-before",
      "timeout-after",
      "connection-before",
      "connection-after",
      "error-before",
      "error-after",
    ],
    ...["unreadable-after", "hang", "hang-after", "not-an-error", "not-an-error-after", "delay"],
  ],
  get: ["timeout-before", "error-before", "malformed", "hang", "not-an-error", "rate-limit", "bad-key"],
  list: ["timeout-before", "error-before", "malformed", "partial", "not-an-error", "rate-limit", "hang"],
  find: ["timeout-before", "error-before", "malformed", "hang", "not-an-error", "rate-limit"],
  terminate: [
    "timeout-before",
    "timeout-after",
    "error-before",
    "error-after",
    "ignored",
    "hang",
    "hang-after",
  ],
  stop: ["timeout-after", "error-before", "ignored"],
  start: ["timeout-after", "error-before", "ignored", "capacity"],
} as const;

const fault = fc.constantFrom(...(Object.keys(faults) as (keyof typeof faults)[])).chain((operation) =>
  fc.record({
    what: fc.constant("fault" as const),
    at: fc.nat(1),
    operation: fc.constant(operation),
    fault: fc.record({
      fault: fc.constantFrom(...faults[operation]),
      times: fc.constantFrom(1, 1, 2, 5, Number.POSITIVE_INFINITY),
      seconds: fc.constantFrom(0, 0, 1, 20),
    }),
  }),
);

const happening = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant("spawn" as const),
      gpu: fc.boolean(),
      user: fc.nat(1),
      abortAfter: fc.option(fc.constantFrom(0, 0.2, 1, 10, 70), { freq: 4 }),
      lives: fc.constantFrom("on" as const, "on" as const, "idle" as const, "shortly" as const),
      key: fc.constantFrom(null, null, null, "one key", "another key"),
    }),
  },
  { weight: 6, arbitrary: fault },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constant("advance" as const),
      seconds: fc.constantFrom(0.3, 2, 15, 61, 130, 400, 700),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant("reap" as const),
      times: fc.integer({ min: 1, max: 2 }),
      limit: fc.constantFrom(1, 2, 100),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constantFrom(
        "touch" as const,
        "stop" as const,
        "start" as const,
        "terminate" as const,
        "wait" as const,
      ),
      which,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constantFrom("vanish" as const, "fail" as const, "double" as const),
      which,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant("store-down" as const), calls: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("stranger" as const), owner: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constantFrom("heal" as const, "crash" as const) }) },
) satisfies fc.Arbitrary<Happening>;

describe("whatever happens", () => {
  it("no instance is doubled or forgotten, no record is left without one, and nobody else's is touched", async () => {
    const runs = Number(process.env.ATLAS_TEST_RUNS ?? 100);
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { minLength: 1, maxLength: 30, size: "max" }),
        async (happenings) => {
          const world = new World();
          for (const one of happenings) await world.let(one);
          await world.comeToRest();
          expect(await world.findings()).toEqual([]);
        },
      ),
      { numRuns: runs, interruptAfterTimeLimit: 300_000 },
    );
  }, 320_000);
});
