import { describe, it } from "vitest";
import { memoryStore } from "../../src/stores/memory.ts";
import { storeLaws } from "../laws/store-laws.ts";
import { manualClock } from "./manual-clock.ts";

storeLaws({ describe, it }, "memory", async () => {
  const clock = manualClock();
  const store = memoryStore({ clock });
  return { store, advance: clock.advance, close: () => store.close() };
});
