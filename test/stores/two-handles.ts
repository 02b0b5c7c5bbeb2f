import type { TenantStoreUnderTest } from "../../src/laws/tenant-store-laws.ts";
import { type ManualClock, manualClock } from "../../src/providers/mock/manual-clock.ts";

type DurableStore = TenantStoreUnderTest["store"] & { migrate(): Promise<void> };

/** Two handles on one database, for the law suites. It calls `open` for each handle. */
export async function twoHandles(
  open: (clock: ManualClock, number: 0 | 1) => DurableStore,
): Promise<TenantStoreUnderTest> {
  const clock = manualClock();
  const stores = [open(clock, 0), open(clock, 1)] as const;
  await stores[0].migrate();
  return {
    store: stores[0],
    second: async () => stores[1],
    advance: (seconds) => clock.advance(seconds),
    close: async () => {
      for (const store of stores) await store.close();
    },
  };
}
