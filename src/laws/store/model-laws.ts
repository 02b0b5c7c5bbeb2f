/** The law over everything: a store answers any sequence of calls as the model does. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { isAtlasError } from "../../errors.ts";
import { defined } from "../../internal/defined.ts";
import { type ComputeRecord, dayOf, type Limits, type RecordFilter } from "../../store.ts";
import { eventOf, type Laws, longAgo, newRecord, type StoreUnderTest } from "./harness.ts";
import { rounded, settlements, spentOf } from "./model-costs.ts";
import { type ComparedStore, ModelStore } from "./model-store.ts";

/** One end of the comparison: a store, its time, and the namespace of this run. */
interface Side {
  readonly store: ComparedStore;
  readonly namespace: string;
  advance(seconds: number): void | Promise<void>;
}

/** One call, the same for both sides. */
interface Call {
  readonly name: string;
  run(side: Side): Promise<unknown>;
}

export const modelLaws: Laws = (law) => {
  law("any sequence of calls is answered as a plain model answers it", async (subject) => {
    let run = 0;
    // By default fast-check keeps sequences near ten calls, too few to claim, wait and claim again.
    const property = fc.asyncProperty(
      fc.commands(commands, { maxCommands: 40, size: "max" }),
      async (sequence) => {
        run += 1;
        const start = await subject.store.now();
        const setup = (): { model: Side; real: Side } => ({
          model: modelSide(start, `model${run}`),
          real: { store: subject.store, advance: advancing(subject), namespace: `model${run}` },
        });
        await fc.asyncModelRun(setup, sequence);
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });
};

function advancing(subject: StoreUnderTest): Side["advance"] {
  return (seconds) => subject.advance(seconds);
}

function modelSide(start: Date, namespace: string): Side {
  const store = new ModelStore(start);
  return { store, namespace, advance: (seconds) => store.advance(seconds) };
}

class Comparison implements fc.AsyncCommand<Side, Side> {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  check(): boolean {
    return true;
  }

  async run(model: Side, real: Side): Promise<void> {
    assert.deepEqual(await outcome(this.#call, real), await outcome(this.#call, model));
  }

  toString(): string {
    return this.#call.name;
  }
}

async function outcome(call: Call, side: Side): Promise<unknown> {
  try {
    return { value: await call.run(side) };
  } catch (error) {
    if (!isAtlasError(error)) throw error;
    const { spent, ...details } = error.details ?? {};
    return { code: error.code, details, ...(typeof spent === "number" && { spent: rounded(spent) }) };
  }
}

/** The generated facts of a record; times are relative to the store's present. */
interface Facts extends Pick<ComputeRecord, "userId" | "slot" | "provider" | "status" | "costPerHour"> {
  readonly dueInSeconds: number | null;
  /** Hours for which it has cost; null for a record that costs nothing. */
  readonly costsForHours: number | null;
  readonly isSettled: boolean;
  readonly hashes: readonly string[];
  readonly key: string | null;
  readonly createdSecond: number;
}

const facts: fc.Arbitrary<Facts> = fc.record({
  userId: fc.constantFrom(null, "ann", "bob"),
  slot: fc.constantFrom(null, "default", "second"),
  provider: fc.constantFrom("fly", "runpod"),
  status: fc.constantFrom("pending", "running", "uncertain", "terminated", "failed"),
  costPerHour: fc.constantFrom(null, 0.25, 0.5, 1),
  dueInSeconds: fc.option(fc.integer({ min: -20, max: 60 })),
  costsForHours: fc.option(fc.constantFrom(0, 1, 30, 800)),
  isSettled: fc.boolean(),
  hashes: fc.subarray(["t1", "t2"]),
  key: fc.option(fc.constantFrom("k1", "k2"), { freq: 2 }),
  createdSecond: fc.nat({ max: 3 }),
});

async function recordOf(side: Side, slot: number, given: Facts): Promise<ComputeRecord> {
  const { dueInSeconds, costsForHours, isSettled, hashes, key, createdSecond, ...fields } = given;
  const now = (await side.store.now()).getTime();
  return newRecord({
    ...fields,
    id: `slot${slot}`,
    namespace: side.namespace,
    idempotencyKey: key,
    createdAt: new Date(longAgo.getTime() + createdSecond * 1000),
    costSince: costsForHours === null ? null : new Date(now - costsForHours * 3_600_000),
    settledAt: isSettled ? new Date(now) : null,
    dueAt: dueInSeconds === null ? null : new Date(now + dueInSeconds * 1000),
    tokens: hashes.map((hash) => ({ hash, kind: "user", expiresAt: new Date(now + 45_000) })),
  });
}

const slot = fc.nat({ max: 5 });
const limits: fc.Arbitrary<Limits> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.record({ computes: fc.nat({ max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ computesPerUser: fc.nat({ max: 3 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ costPerHour: fc.nat({ max: 4 }), costPerHourPerUser: fc.nat({ max: 2 }) }),
  },
  { weight: 1, arbitrary: fc.record({ costPerMonth: fc.constantFrom(0, 0.3, 20.3) }) },
  { weight: 1, arbitrary: fc.record({ costPerMonthPerUser: fc.constantFrom(0.3, 2.3) }) },
);

const inserts = fc.tuple(slot, facts, limits).map(
  ([id, given, allowed]): Call => ({
    name: `insert(slot${id}, ${fc.stringify(given)}, ${fc.stringify(allowed)})`,
    run: async (side) => {
      const record = await recordOf(side, id, given);
      return side.store.insert(record, eventOf(record), allowed);
    },
  }),
);

const replaces = fc
  .tuple(slot, facts, fc.option(limits), fc.constantFrom(1, 1, 1, 0, 2), fc.boolean(), settlements)
  .map(
    ([id, given, allowed, step, withEvent, settled]): Call => ({
      name: `replace(slot${id}, ${fc.stringify(given)}, ${fc.stringify(allowed)}, version + ${step}, ${fc.stringify(settled)})`,
      run: async (side) => {
        const record = await recordOf(side, id, given);
        const stored = (await side.store.get(side.namespace, record.id))?.record;
        const idempotencyKey = stored?.idempotencyKey ?? null;
        const replaced = { ...record, idempotencyKey, version: (stored?.version ?? 0) + step };
        return side.store.replace(replaced, withEvent ? eventOf(record) : undefined, {
          limits: allowed ?? undefined,
          spent: spentOf(await side.store.now(), settled),
        });
      },
    }),
  );

const claims = fc.constantFrom(5, 30).map(
  (leaseSeconds): Call => ({
    name: `claimDue(${leaseSeconds} s)`,
    run: async ({ store, namespace }) => {
      const claimed = await store.claimDue({ namespace, lease: "x", leaseSeconds, limit: 100 });
      return claimed.toSorted((left, right) => (left.record.id < right.record.id ? -1 : 1));
    },
  }),
);

/** Sums differ from store to store in their last digits. */
const sums = fc.tuple(fc.constantFrom("user", "provider", "gpu"), fc.nat({ max: 2 }), fc.nat({ max: 2 })).map(
  ([by, before, behind]): Call => ({
    name: `costs(${by}, from ${before} days before, to ${behind} days behind)`,
    run: async ({ store, namespace }) => {
      const now = (await store.now()).getTime();
      const day = (days: number): string => dayOf(new Date(now + days * 86_400_000));
      const found = await store.costs({ namespace, by, from: day(-before), to: day(behind) });
      return found
        .map((sum) => ({
          ...sum,
          cost: rounded(sum.cost),
          seconds: rounded(sum.seconds),
          costPerHour: rounded(sum.costPerHour),
        }))
        .toSorted((left, right) => String(left.key).localeCompare(String(right.key)));
    },
  }),
);

const reads = slot.map(
  (id): Call => ({
    name: `get(slot${id})`,
    run: ({ store, namespace }) => store.get(namespace, `slot${id}`),
  }),
);

const lookups = fc.constantFrom("t1", "t2", "k1", "k2").map(
  (text): Call => ({
    name: `look up ${text}`,
    run: async ({ store, namespace }) => {
      if (text.startsWith("k")) return store.getByIdempotencyKey(namespace, text);
      return (await store.getByTokenHash(namespace, text, "user")) !== undefined;
    },
  }),
);

const holders = fc.tuple(fc.constantFrom("ann", "bob"), fc.constantFrom("default", "second")).map(
  ([userId, name]): Call => ({
    name: `getBySlot(${userId}, ${name})`,
    run: ({ store, namespace }) => store.getBySlot({ namespace, tenantId: null, userId, slot: name }),
  }),
);

const filter: fc.Arbitrary<Omit<RecordFilter, "namespace">> = fc.record(
  {
    userId: fc.constantFrom("ann", "bob"),
    slot: fc.constantFrom("default", "second"),
    provider: fc.constantFrom("fly", "runpod"),
    statuses: fc.subarray(["pending", "running", "uncertain", "terminated", "failed"]),
  },
  { requiredKeys: [] },
);

const lists = fc.tuple(filter, fc.integer({ min: 1, max: 4 })).map(
  ([wanted, limit]): Call => ({
    name: `list(${fc.stringify(wanted)}, ${limit})`,
    run: async ({ store, namespace }) => {
      const page = await store.list({ ...wanted, namespace }, { limit });
      const last = page.at(-1);
      if (last === undefined) return page;
      return [...page, ...(await store.list({ ...wanted, namespace }, { limit, after: last }))];
    },
  }),
);

/** Ids differ from store to store, so the place to resume from is the id of the event after that many. */
const follows = fc.tuple(fc.option(slot), fc.nat({ max: 8 }), fc.integer({ min: 1, max: 5 })).map(
  ([id, skipped, limit]): Call => ({
    name: `events(slot${id}, behind ${skipped}, ${limit})`,
    run: async ({ store, namespace }) => {
      const wanted = defined({ namespace, computeId: id === null ? undefined : `slot${id}` });
      const place = (await store.events(wanted, 1000))[skipped]?.id;
      return (await store.events(defined({ ...wanted, after: place }), limit)).map((event) => ({
        ...event,
        id: "",
      }));
    },
  }),
);

const waits = fc.integer({ min: 1, max: 40 }).map(
  (seconds): Call => ({
    name: `advance(${seconds})`,
    run: async (side) => {
      await side.advance(seconds);
      return side.store.now();
    },
  }),
);

const commands: fc.Arbitrary<Comparison>[] = [
  inserts,
  replaces,
  claims,
  sums,
  reads,
  lookups,
  holders,
  lists,
  follows,
  waits,
].map((calls) => calls.map((call) => new Comparison(call)));
