import { describe, it } from "vitest";
import { manualClock } from "../../src/providers/mock/manual-clock.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { storeLaws } from "../laws/store-laws.ts";

storeLaws({ describe, it }, "memory", async () => {
  const clock = manualClock();
  const store = memoryStore({ clock });
  return { store, advance: (seconds) => clock.advance(seconds), close: () => store.close() };
});
