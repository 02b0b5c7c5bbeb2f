import { describe, expect, it, test } from "vitest";
import { storeLaws } from "../../src/laws/store-laws.ts";
import { type TenantStoreUnderTest, tenantStoreLaws } from "../../src/laws/tenant-store-laws.ts";
import { manualClock } from "../../src/providers/mock/manual-clock.ts";
import { memoryStore } from "../../src/stores/memory/index.ts";

async function make(): Promise<TenantStoreUnderTest> {
  const clock = manualClock();
  const store = memoryStore({ clock });
  return { store, advance: (seconds) => clock.advance(seconds), close: () => store.close() };
}

storeLaws({ describe, it }, "memory", make);
tenantStoreLaws({ describe, it }, "memory", make);

test("without a clock, time is the machine's", async () => {
  const before = Date.now();
  const now = await memoryStore().now();
  expect(now.getTime()).toBeGreaterThanOrEqual(before);
  expect(now.getTime()).toBeLessThanOrEqual(Date.now());
});

test("an unknown option is refused", () => {
  const options: object = { clok: manualClock() };
  expect(() => memoryStore(options)).toThrow(
    "clok: got an unknown key (did you mean clock?); allowed: clock",
  );
});

test("two stores have two identities", async () => {
  expect(await memoryStore().identity()).not.toBe(await memoryStore().identity());
});
