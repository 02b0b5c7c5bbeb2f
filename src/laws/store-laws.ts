/**
 * The laws of a store, to run on a store of this package or on your own.
 *
 * @example
 * ```ts
 * import { describe, it } from "node:test";
 * import { storeLaws } from "atlas-compute/laws";
 *
 * storeLaws({ describe, it }, "my store", async () => {
 *   let now = Date.UTC(2030, 0);
 *   const store = myStore({ clock: { now: () => new Date(now), sleep: async () => undefined } });
 *   return { store, advance: (seconds) => { now += seconds * 1000; }, close: () => store.close() };
 * });
 * ```
 *
 * @module
 */
import { claimLaws } from "./store/claim-laws.ts";
import { cursorLaws } from "./store/cursor-laws.ts";
import { eventLaws } from "./store/event-laws.ts";
import type { Laws, Runner, StoreUnderTest } from "./store/harness.ts";
import { insertLaws } from "./store/insert-laws.ts";
import { ledgerLaws } from "./store/ledger-laws.ts";
import { limitLaws } from "./store/limit-laws.ts";
import { lookupLaws } from "./store/lookup-laws.ts";
import { modelLaws } from "./store/model-laws.ts";
import { noteLaws } from "./store/note-laws.ts";
import { ownershipLaws } from "./store/ownership-laws.ts";
import { replaceLaws } from "./store/replace-laws.ts";
import { retentionLaws } from "./store/retention-laws.ts";
import { roundTripLaws } from "./store/round-trip-laws.ts";
import { slotLaws } from "./store/slot-laws.ts";
import { totalsLaws } from "./store/totals-laws.ts";

export type { Runner, StoreUnderTest } from "./store/harness.ts";

const parts: readonly Laws[] = [
  insertLaws,
  slotLaws,
  ownershipLaws,
  retentionLaws,
  noteLaws,
  limitLaws,
  ledgerLaws,
  replaceLaws,
  lookupLaws,
  claimLaws,
  totalsLaws,
  eventLaws,
  cursorLaws,
  roundTripLaws,
  modelLaws,
];

/** Declares a test for every law of `Store` in `runner`; `make` gives each of them a new, empty store. */
export function storeLaws(runner: Runner, name: string, make: () => Promise<StoreUnderTest>): void {
  runner.describe(`the laws of a store: ${name}`, () => {
    for (const laws of parts) {
      laws((law, body) => {
        runner.it(law, async () => {
          const subject = await make();
          try {
            await body(subject);
          } finally {
            await subject.close();
          }
        });
      });
    }
  });
}
