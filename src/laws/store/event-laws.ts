/** Laws of events, of the store's identity, and of watching it. */
import assert from "node:assert/strict";
import { defined } from "../../internal/defined.ts";
import type { ComputeEvent, Store } from "../../store.ts";
import {
  allEvents,
  atOnce,
  bothEnds,
  codeOf,
  errorCodes,
  eventOf,
  insert,
  insertAll,
  type Law,
  type Laws,
  namespace,
  newRecord,
  next,
} from "./harness.ts";

export const eventLaws: Laws = (law) => {
  orderLaws(law);
  positionLaws(law);
  followLaws(law);
  wholeStoreLaws(law);
};

function orderLaws(law: Law): void {
  law(
    "events come oldest first, of one compute or of the whole namespace only",
    async ({ store, advance }) => {
      const [first, second] = await insertAll(store, [{}, {}, { namespace: "other" }]);
      assert.ok(first !== undefined && second !== undefined);
      const before = await store.now();
      await advance(5);
      await store.replace(next(first), { ...eventOf(first), costSoFar: 0.125, data: { n: 1 } });
      await store.replace(next(second), eventOf(second, { n: 2 }));
      const events = await allEvents(store);
      assert.deepEqual(
        events.map((event) => event.data),
        [{}, {}, { n: 1 }, { n: 2 }],
      );
      assert.deepEqual(
        events.map((event) => event.computeId),
        [first.id, second.id, first.id, second.id],
      );
      const ofFirst = await allEvents(store, first.id);
      assert.deepEqual(ofFirst, [events[0], events[2]]);
      assert.deepEqual(
        ofFirst.map((event) => event.at.getTime() - before.getTime()),
        [0, 5000],
      );
      assert.equal(ofFirst[1]?.costSoFar, 0.125);
      assert.deepEqual(await allEvents(store, "missing"), []);
    },
  );
}

function positionLaws(law: Law): void {
  law("events resume exactly behind any of them, in stretches of any length", async ({ store }) => {
    let [record] = await insertAll(store, [{}, {}]);
    for (let step = 0; step < 9; step += 1) {
      assert.ok(record !== undefined);
      record = next(record);
      assert.equal(await store.replace(record, eventOf(record, { step })), true);
    }
    for (const computeId of [undefined, record?.id]) {
      const expected = await allEvents(store, computeId);
      for (const length of [1, 3, 50]) assert.deepEqual(await followed(store, length, computeId), expected);
    }
  });

  law("the newest events are the last ones, oldest first, also behind a position", async ({ store }) => {
    let [record] = await insertAll(store, [{}, {}]);
    for (let step = 0; step < 5; step += 1) {
      assert.ok(record !== undefined);
      record = next(record);
      await store.replace(record, eventOf(record, { step }));
    }
    for (const computeId of [undefined, record?.id]) {
      const events = await allEvents(store, computeId);
      const newest = (limit: number, after?: string): Promise<readonly ComputeEvent[]> =>
        store.events(defined({ namespace, computeId, after, newest: true }), limit);
      assert.deepEqual(await newest(3), events.slice(-3));
      assert.deepEqual(await newest(100), events);
      assert.deepEqual(await newest(3, events.at(-3)?.id), events.slice(-2));
      assert.deepEqual(await newest(3, events.at(-1)?.id), []);
    }
  });

  law("of two events of one compute the later has the greater id", async ({ store }) => {
    let [record] = await insertAll(store, [{}]);
    for (let step = 0; step < 12; step += 1) {
      assert.ok(record !== undefined);
      record = next(record);
      await store.replace(record, eventOf(record));
    }
    const ids = (await allEvents(store)).map((event) => BigInt(event.id));
    assert.deepEqual(
      ids,
      ids.toSorted((left, right) => (left < right ? -1 : 1)),
    );
    assert.equal(new Set(ids).size, 13);
  });
}

function followLaws(law: Law): void {
  law(
    "a follower of the namespace misses no event and gets none twice while others write",
    async (subject) => {
      const [writer, reader] = await bothEnds(subject);
      const records = await insertAll(
        writer,
        Array.from({ length: 50 }, () => ({})),
      );
      let writing = true;
      const seen: ComputeEvent[] = [];
      const follow = async (): Promise<void> => {
        while (writing && seen.length <= 200) {
          seen.push(...(await behind(reader, seen.at(-1), 7)));
          await new Promise(setImmediate);
        }
      };
      const write = async (): Promise<void> => {
        const results = await atOnce<unknown>(subject, 150, (store, index) => {
          const before = records[index];
          if (before === undefined) return insert(store, newRecord());
          return store.replace(next(before, { looks: 1 }), eventOf(before), { before: before });
        });
        assert.deepEqual(errorCodes(results), []);
        writing = false;
      };
      await Promise.all([follow(), write()]);
      for (let more = -1; more !== 0 && seen.length <= 200; ) {
        const rest = await behind(reader, seen.at(-1), 7);
        seen.push(...rest);
        more = rest.length;
      }
      assert.equal(seen.length, 200);
      assert.deepEqual(seen, await allEvents(subject.store));
    },
  );

  law("a position that is not an event id is a VALIDATION error", async ({ store }) => {
    for (const after of ["", "x", "-1", "1.5", "1e3", "9".repeat(40)]) {
      await assert.rejects(store.events({ namespace, after }, 1), (error) => codeOf(error) === "VALIDATION");
    }
    assert.deepEqual(await store.events({ namespace, after: "900000" }, 1), []);
  });
}

function wholeStoreLaws(law: Law): void {
  law("the identity never changes, and is the same from every end", async (subject) => {
    const identities = await atOnce(subject, 20, (store) => store.identity());
    const [first] = identities;
    assert.ok(first?.status === "fulfilled");
    assert.match(first.value, /^[0-9A-Za-z-]{16,64}$/);
    for (const identity of identities) assert.deepEqual(identity, first);
  });

  law(
    "time is the store's, the same at both ends, and Date carries it in whole milliseconds",
    async (subject) => {
      const [store, second] = await bothEnds(subject);
      const before = await store.now();
      assert.ok(Number.isInteger(before.getTime()));
      await subject.advance(12.345);
      assert.equal((await store.now()).getTime() - before.getTime(), 12_345);
      assert.deepEqual(await second.now(), await store.now());
    },
  );

  law(
    "a watcher, where the store has watchers, hears of a write from another end until it is disposed, and by the right name if by any",
    async (subject) => {
      const [store, second] = await bothEnds(subject);
      if (store.watch === undefined) return;
      let calls = 0;
      const { promise: heard, resolve } = Promise.withResolvers<string | undefined>();
      const watching = await store.watch((computeId) => {
        calls += 1;
        resolve(computeId);
      });
      const record = newRecord();
      await insert(second, record);
      assert.ok([record.id, undefined].includes(await heard));
      await watching[Symbol.asyncDispose]();
      const callsBefore = calls;
      await insert(second, newRecord());
      await store.now();
      assert.equal(calls, callsBefore);
    },
  );

  law("migrate, where there is a schema, may run again and from several ends at once", async (subject) => {
    const [record] = await insertAll(subject.store, [{}]);
    const results = await atOnce(subject, 10, async (store) => store.migrate?.());
    assert.deepEqual(errorCodes(results), []);
    assert.deepEqual(await subject.store.list({ namespace }, { limit: 10 }), [record]);
  });
}

function behind(
  store: Store,
  last: ComputeEvent | undefined,
  limit: number,
  computeId?: string,
): Promise<readonly ComputeEvent[]> {
  return store.events(defined({ namespace, after: last?.id, computeId }), limit);
}

async function followed(store: Store, length: number, computeId?: string): Promise<ComputeEvent[]> {
  const events: ComputeEvent[] = [];
  for (;;) {
    const more = await behind(store, events.at(-1), length, computeId);
    if (more.length === 0) return events;
    assert.ok(more.length <= length);
    events.push(...more);
    assert.ok(events.length <= 1000, "the same events come again and again");
  }
}
