/** Random lives of computes. A bookkeeper, which adds up at every write, a day at a time, must come to the sums of the ledger, the records and the events. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Atlas, createAtlas, memoryStore } from "../../src/index.ts";
import type { Instance, Provider } from "../../src/provider.ts";
import { type ManualClock, type MockProvider, manualClock, mock } from "../../src/providers/mock/index.ts";
import { type ComputeRecord, type CostKey, costSoFar, type Store } from "../../src/store.ts";
import { recordsOf } from "../support/scene.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const USERS = ["ann", "bob", undefined] as const;
const GPUS = ["l4", "h100"] as const;
const RETENTION_SECONDS = 2 * 86_400;

/** Writes down what every record costs, from one write to the next. It knows neither runs nor settlements. */
class Bookkeeper {
  readonly #open = new Map<string, { readonly record: ComputeRecord; readonly from: Date }>();
  readonly entries: { readonly record: ComputeRecord; readonly day: string; readonly cost: number }[] = [];

  note(record: ComputeRecord, now: Date): void {
    const before = this.#open.get(record.id);
    this.close(record.id, now, record);
    const isNew = before === undefined || before.record.costSince === null;
    const from = record.costSince !== null && isNew ? record.costSince : now;
    this.#open.set(record.id, { record, from });
  }

  closeAll(now: Date): void {
    for (const [id, { record }] of this.#open) {
      this.close(id, now, record);
      this.#open.set(id, { record, from: now });
    }
  }

  close(id: string, now: Date, labels: ComputeRecord): void {
    const open = this.#open.get(id);
    if (open === undefined || open.record.costSince === null) return;
    const price = open.record.costPerHour ?? 0;
    for (let from = open.from.getTime(); from < now.getTime(); ) {
      const to = Math.min(now.getTime(), (Math.floor(from / DAY) + 1) * DAY);
      const day = new Date(from).toISOString().slice(0, 10);
      this.entries.push({ record: labels, day, cost: ((to - from) / HOUR) * price });
      from = to;
    }
  }

  sums(keyOf: (entry: Bookkeeper["entries"][number]) => string): Readonly<Record<string, number>> {
    const sums: Record<string, number> = {};
    for (const entry of this.entries) sums[keyOf(entry)] = (sums[keyOf(entry)] ?? 0) + entry.cost;
    return sums;
  }
}

const step = fc.oneof(
  fc.record({ what: fc.constant("spawn" as const), user: fc.nat({ max: 2 }), gpu: fc.nat({ max: 1 }) }),
  fc.record({
    what: fc.constantFrom("terminate", "stop", "start", "vanish", "touch"),
    which: fc.nat({ max: 5 }),
  }),
  fc.record({ what: fc.constant("price" as const), factor: fc.constantFrom(0, 0.5, 1, 3) }),
  fc.record({ what: fc.constant("lose the answer" as const) }),
  fc.record({
    what: fc.constant("wait" as const),
    seconds: fc.constantFrom(1, 45, 600, 18_000, 70_000, 260_000, 1_700_000),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

class Life {
  readonly clock: ManualClock = manualClock(new Date("2026-11-28T20:00:00.000Z"));
  readonly cloud: MockProvider = mock({ clock: this.clock, costPerHour: 2, bootSeconds: 20 });
  readonly books = new Bookkeeper();
  readonly store: Store = this.#watched(memoryStore({ clock: this.clock }));
  readonly ids: string[] = [];
  readonly atlas: Atlas;
  #factor = 1;

  constructor() {
    const retention = { endedSeconds: RETENTION_SECONDS };
    const parts = { store: this.store, clock: this.clock, fetch: this.cloud.fetch, retention };
    this.atlas = createAtlas({ providers: [this.#priced()], ...parts });
  }

  async do(one: Step): Promise<void> {
    await this.clock.settle(this.#call(one).catch(() => undefined));
    if (one.what === "wait") await this.clock.advance(one.seconds);
    await this.clock.settle(this.atlas.reap({ orphans: "ignore" }));
  }

  async #call(one: Step): Promise<unknown> {
    if (one.what === "spawn") {
      const userId = USERS[one.user];
      const gpu = GPUS[one.gpu] ?? "l4";
      const forever = { idleTimeoutSeconds: null, maxLifetimeSeconds: null };
      const compute = await this.atlas.spawnCompute({ gpu, ...forever, ...(userId && { userId }) });
      return this.ids.push(compute.id);
    }
    if (one.what === "price") this.#factor = one.factor;
    if (one.what === "lose the answer") this.cloud.script("create", { fault: "error-after" });
    if (!("which" in one)) return undefined;
    const id = this.ids[one.which];
    if (id === undefined) return undefined;
    return one.what === "vanish" ? this.cloud.vanish(`atlas-default-${id}`) : this.atlas[one.what](id);
  }

  #priced(): Provider {
    const priced = <Found extends Instance | undefined>(instance: Found): Found =>
      instance?.costPerHour === undefined
        ? instance
        : { ...instance, costPerHour: instance.costPerHour * this.#factor };
    const { cloud } = this;
    return {
      ...cloud,
      create: async (...given) => priced(await cloud.create(...given)),
      get: async (...given) => priced(await cloud.get(...given)),
      list: async (...given) => (await cloud.list(...given)).map(priced),
    };
  }

  #watched(store: Store): Store {
    const { books, clock } = this;
    return {
      ...bound(store),
      forDeployment: (deployment) => this.#watched(store.forDeployment(deployment)),
      insert: async (record, ...given) => {
        const earlier = await store.insert(record, ...given);
        if (earlier === undefined) books.note(record, clock.now());
        return earlier;
      },
      replace: async (record, ...given) => {
        const isWritten = await store.replace(record, ...given);
        if (isWritten) books.note(record, clock.now());
        return isWritten;
      },
    };
  }
}

function bound(store: Store): Store {
  return new Proxy(store, {
    ownKeys: () => METHODS,
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const METHODS = [
  ...[
    "name",
    "identity",
    "requireOwnership",
    "now",
    "get",
    "getByTokenHash",
    "getByIdempotencyKey",
    "getBySlot",
  ],
  ...["list", "claimDue", "remember", "events", "costs", "forget", "totals", "close"],
];

const RANGE = { from: "2026-01-01", to: "2029-12-31" };

async function summed(atlas: Atlas, by: CostKey, range = RANGE): Promise<Readonly<Record<string, number>>> {
  const sums = await atlas.costs({ by, ...range });
  return Object.fromEntries(sums.map(({ key, cost }) => [String(key), cost]));
}

function near(actual: Readonly<Record<string, number>>, expected: Readonly<Record<string, number>>): void {
  for (const key of new Set([...Object.keys(actual), ...Object.keys(expected)]))
    expect(actual[key] ?? 0, key).toBeCloseTo(expected[key] ?? 0, 6);
}

describe("whatever happens to computes", () => {
  it("ledger, records and events agree with the books, by user, provider, GPU, day and month", async () => {
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 30, size: "max" }),
      async (steps) => {
        const life = new Life();
        for (const one of steps) await life.do(one);
        life.books.closeAll(life.clock.now());
        const { books, atlas } = life;
        near(
          await summed(atlas, "user"),
          books.sums(({ record }) => String(record.userId)),
        );
        near(
          await summed(atlas, "provider"),
          books.sums(({ record }) => record.provider),
        );
        near(
          await summed(atlas, "gpu"),
          books.sums(({ record }) => String(record.gpu)),
        );
        const byDay = books.sums(({ day }) => day);
        for (const day of Object.keys(byDay))
          near(
            { [day]: (await summed(atlas, "provider", { from: day, to: day })).mock ?? 0 },
            { [day]: byDay[day] ?? 0 },
          );
        const december = { from: "2026-12-01", to: "2026-12-31" };
        near(
          { month: (await summed(atlas, "provider", december)).mock ?? 0 },
          { month: books.sums(({ day }) => day.slice(0, 7))["2026-12"] ?? 0 },
        );
        await eventsAgree(life);
      },
    );
    await fc.assert(property, { numRuns: Number(process.env.ATLAS_RUNS ?? 300) });
  }, 3_600_000);
});

/** The records that are left tell the same costs, and so does the last state that an event told. */
async function eventsAgree({ store, books, clock }: Life): Promise<void> {
  const byCompute = books.sums(({ record }) => record.id);
  for (const record of await recordsOf(store)) {
    expect(costSoFar(record, clock.now())).toBeCloseTo(byCompute[record.id] ?? 0, 6);
    if (record.endedAt === null || record.costPerHour === null) continue;
    const events = await store.events({ namespace: "default", computeId: record.id }, 10_000);
    const last = events.findLast(({ type }) => type === "state");
    expect(last?.costSoFar).toBeCloseTo(byCompute[record.id] ?? 0, 6);
  }
}
