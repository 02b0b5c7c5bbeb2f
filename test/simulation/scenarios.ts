/** The scenarios. */
import { isAtlasError } from "../../src/errors.ts";
import type { Compute } from "../../src/index.ts";
import type { SpawnRequest } from "../../src/request.ts";
import { SECRET } from "./rest.ts";
import type { Allowance, Ledger, Role, Scenario } from "./scenario.ts";

const REQUEST: SpawnRequest = {
  userId: "user",
  ports: [8000],
  env: { SECRET },
  idleTimeoutSeconds: null,
  // Longer than a schedule, and shorter than the clock of one process is fast.
  maxLifetimeSeconds: 40_000,
};

/** Notes a handle that a caller received: from now on the compute ends only with an excuse. */
function hold({ held, tokens }: Ledger, compute: Compute): void {
  held.add(compute.id);
  if (compute.auth?.token !== undefined) tokens.push(compute.auth.token);
}

const spawner = (name: string, request: SpawnRequest, wrongSeconds = 0): Role => ({
  name,
  wrongSeconds,
  program: async (atlas, ledger) => {
    const compute = await atlas.spawnCompute({ ...REQUEST, ...request });
    if (compute.isNew) hold(ledger, compute);
    if (request.idleTimeoutSeconds !== undefined) ledger.excuses.add(`${compute.id} idle`);
    noteKey(ledger, request.idempotencyKey, compute.id);
    return compute.id;
  },
});

function noteKey({ shared, problems }: Ledger, key: string | undefined, id: string): void {
  if (key === undefined) return;
  if ((shared.get(key) ?? id) !== id) problems.push(`law 2: ${key} made a second compute`);
  shared.set(key, id);
}

const getOrSpawner = (name: string, wrongSeconds = 0): Role => ({
  name,
  wrongSeconds,
  program: async (atlas, ledger) => {
    const compute = await atlas.getOrSpawn({ ...REQUEST, userId: "user", slot: "one" });
    hold(ledger, compute);
  },
});

const reaper = (name: string, passes: number, wrongSeconds = 0): Role => ({
  name,
  wrongSeconds,
  program: async (atlas, _ledger, self) => {
    for (let pass = 1; pass <= passes; pass += 1) {
      await atlas.reap().catch(unlessStore);
      // The next pass begins with what is stored.
      self.forget();
      self.hear(`pass ${pass} is over`);
    }
  },
});

/** A reaper goes on after a pass that failed. */
function unlessStore(error: unknown): void {
  if (!isAtlasError(error)) throw error;
}

/** Ends the newest computes that it finds recorded, whatever their state. */
const ender = (name: string, most = 100): Role => ({
  name,
  program: async (atlas, ledger) => {
    const { computes } = await atlas.listComputes();
    for (const { id } of computes.slice(0, most)) {
      ledger.excuses.add(`${id} requested`);
      await atlas.terminate(id);
    }
  },
});

const ONE_OF_EACH: Allowance = { crashes: 0, faults: 0, leaps: 2, events: 0 };
const SHORT = { pendingGraceSeconds: 100, lookupSeconds: 20 };

/** Small scenarios, which can be explored whole: two that spawn, one reaper, one crash. */
export const exhaustive: readonly Scenario[] = [
  {
    name: "slot",
    roles: [getOrSpawner("A"), getOrSpawner("B", 3600), reaper("R", 2, -3600)],
    allowance: ONE_OF_EACH,
    leaps: [61],
    timing: SHORT,
  },
  {
    name: "key",
    roles: [
      spawner("A", { idempotencyKey: "key" }),
      spawner("B", { idempotencyKey: "key" }, 3600),
      reaper("R", 2, -3600),
    ],
    allowance: ONE_OF_EACH,
    leaps: [61],
    timing: SHORT,
  },
  {
    name: "limit",
    roles: [spawner("A", {}), spawner("B", {}, 3600), reaper("R", 2, -3600)],
    allowance: ONE_OF_EACH,
    leaps: [61],
    timing: SHORT,
    limits: { computes: 1 },
  },
];

const MANY: Allowance = { crashes: 2, faults: 2, leaps: 8, events: 0 };
const LEAPS: readonly number[] = [5, 31, 61, 130];

/** Adds instances of other owners: under a name of ours, under a namesake's, and with our tag under another name. */
const withStrangers: Scenario["begin"] = (provider, owner) => {
  provider.add({ name: "atlas-default-00000000000000000000", owner: "another-store" });
  provider.add({ name: "another-name", owner });
};

/** Waits until every compute that is recorded is ready, for one twice at once. The next one begins when the time has gone on. */
const waiters = (name: string, wrongSeconds = 0): Role => ({
  name,
  wrongSeconds,
  onlyWaits: true,
  program: async (atlas) => {
    const waits: Promise<unknown>[] = [];
    for await (const { id } of atlas.listComputes()) {
      const compute = await atlas.getCompute(id);
      const wait = (): Promise<unknown> => compute.waitUntilReady({ timeoutSeconds: 300 });
      waits.push(wait().catch(unlessStore), wait().catch(unlessStore));
    }
    await Promise.all(waits);
  },
});

/** Waits until the first compute that is recorded is ready, twice at once. */
const waiter = (name: string): Role => ({
  name,
  program: async (atlas, ledger) => {
    for await (const compute of atlas.listComputes()) {
      const wait = async (): Promise<void> => {
        await compute.waitUntilReady({ timeoutSeconds: 40 });
        if (!ledger.answered.has(compute.id))
          ledger.problems.push(`law 15: ${compute.id} is called ready, and its pod never answered`);
      };
      await Promise.allSettled([wait(), wait()]);
    }
  },
});

/** Computes that callers hold before the schedule begins, and a pass that has seen them in their account. */
const HELD: readonly Role[] = [
  spawner("M", { userId: "one" }),
  spawner("N", { userId: "two" }),
  spawner("O", { userId: "three" }),
  reaper("P", 1),
];

/** Wider scenarios, for random schedules. */
export const wide: readonly Scenario[] = [
  {
    name: "crowd",
    roles: [
      getOrSpawner("A"),
      getOrSpawner("B", 3600),
      spawner("C", { idempotencyKey: "key" }),
      spawner("D", { idempotencyKey: "key" }, -3600),
      ender("E"),
      reaper("R", 3),
      reaper("S", 2, 86_400),
    ],
    allowance: MANY,
    leaps: LEAPS,
    timing: SHORT,
    limits: { computes: 2 },
    readingsWait: true,
    begin: withStrangers,
  },
  {
    name: "lag",
    roles: [spawner("A", {}), spawner("B", {}), ender("E"), reaper("R", 3), reaper("S", 2, -86_400)],
    allowance: MANY,
    leaps: LEAPS,
    timing: SHORT,
    mock: { listLagSeconds: 15, terminateSeconds: 3, bootSeconds: 5, regions: ["one"] },
    readingsWait: true,
    begin: withStrangers,
  },
  {
    name: "belief",
    prologue: HELD,
    roles: [
      reaper("R", 3),
      reaper("S", 3, 3600),
      { ...reaper("T", 3), hasOtherKey: true },
      ender("E", 1),
      waiter("W"),
      { ...reaper("X", 2), deployment: "copy" },
      { ...spawner("Y", {}), deployment: "copy" },
    ],
    allowance: { ...MANY, leaps: 10, events: 4 },
    // Together shorter than the time after which nothing at all is believed to be gone.
    leaps: [5, 31, 61],
    events: ["blackout", "vanish", "pods-answer"],
    timing: SHORT,
    readingsWait: true,
    begin: withStrangers,
  },
  {
    name: "lie",
    prologue: HELD,
    roles: [reaper("R", 5), reaper("S", 3, 3600), ender("E", 1), waiter("W")],
    allowance: { ...MANY, leaps: 10, events: 2 },
    leaps: [5, 31, 61],
    events: ["blackout"],
    timing: SHORT,
  },
  {
    name: "looks",
    prologue: [
      spawner("M", { userId: "one", idleTimeoutSeconds: 90 }),
      spawner("N", { userId: "two", idleTimeoutSeconds: 90 }),
    ],
    roles: [waiters("V"), waiters("W", 3600), reaper("R", 4), reaper("S", 2, -3600), spawner("A", {})],
    allowance: { ...MANY, leaps: 14, events: 3 },
    leaps: [1, 5, 31, 61],
    events: ["fail", "halt", "pods-answer"],
    mock: { bootSeconds: 20 },
    budget: { perMinute: 20, burst: 4 },
    podsAnswer: false,
    timing: SHORT,
  },
];

/** The scenario of this name. @throws Error */
export function scenarioNamed(name: string): Scenario {
  const all = [...exhaustive, ...wide];
  const found = all.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  throw new Error(`there is no scenario "${name}": ${all.map((scenario) => scenario.name).join(", ")}`);
}
