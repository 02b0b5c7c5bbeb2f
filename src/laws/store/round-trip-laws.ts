/** Law of round trips: a store reads exactly the values that it wrote. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { newEvent, recordFacts } from "./arbitraries.ts";
import { allEvents, type Laws, namespace, newId, newRecord, next } from "./harness.ts";

export const roundTripLaws: Laws = (law) => {
  law("every record and event is read exactly as it was written, inserted or replaced", async ({ store }) => {
    const property = fc.asyncProperty(
      recordFacts,
      recordFacts,
      newEvent,
      newEvent,
      async (first, second, one, two) => {
        const id = newId();
        // Each run has slots of its own, because two live records of one user cannot share one.
        const ownSlot = ({ slot }: typeof first): string | null => (slot === null ? null : `${slot}-${id}`);
        const record = newRecord({ ...first, id, slot: ownSlot(first) });
        await store.insert(record, one, {});
        assert.deepEqual((await store.get(namespace, record.id))?.record, record);
        const replaced = { ...record, ...second, slot: ownSlot(second), version: record.version + 1 };
        assert.equal(await store.replace(replaced, two), true);
        assert.deepEqual((await store.get(namespace, record.id))?.record, replaced);
        const events = (await allEvents(store, record.id)).map(
          ({ id: _, computeId: __, at: ___, ...event }) => event,
        );
        assert.deepEqual(events, [one, two]);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  law(
    "a record is read exactly as it was replaced by one that names the record before",
    async ({ store }) => {
      const property = fc.asyncProperty(
        recordFacts,
        recordFacts,
        fc.uniqueArray(fc.constantFrom(...fieldNames)),
        newEvent,
        async (first, second, changing, event) => {
          const id = newId();
          const before = newRecord({ ...first, id, slot: null });
          await store.insert(before, event, {});
          const facts = Object.fromEntries(changing.map((field) => [field, second[field]]));
          const replaced = next(before, { ...facts, slot: null });
          assert.equal(await store.replace(replaced, event, { before: before }), true);
          assert.deepEqual((await store.get(namespace, id))?.record, replaced);
          assert.equal(await store.replace(replaced, event, { before: before }), false);
          assert.equal((await allEvents(store, id)).length, 2);
        },
      );
      await fc.assert(property, { numRuns: 60 });
    },
  );
};

/** Fields of each kind, those of signs of life among them: most changes set no other. */
const fieldNames = [
  ...(["lastActiveAt", "idleDeadline", "answeredAt", "costBefore", "costSince", "reports", "looks"] as const),
  ...(["lookedAt", "checkAt", "dueAt", "lease", "leaseUntil", "lastError", "attempts", "status"] as const),
];
