import { describe, expect, it } from "vitest";
import { AtlasError } from "../../src/errors.ts";
import { memoryStore } from "../../src/index.ts";
import { notePass, recentPass, SIGN_SECONDS } from "../../src/lifecycle/reap/sign.ts";
import { manualClock } from "../../src/providers/mock/index.ts";
import { sqliteStore } from "../../src/stores/sqlite/index.ts";
import { intercept } from "../support/intercept.ts";
import { scene } from "../support/scene.ts";

const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

describe.each([
  ["memory", memoryStore],
  ["sqlite", (options: { clock: ReturnType<typeof manualClock> }) => sqliteStore(":memory:", options)],
] as const)("the sign of a reaper in %s", (_, makeStore) => {
  it("is there after a pass, also where it was looked for a moment before", async () => {
    const clock = manualClock();
    const parts = { store: makeStore({ clock }), namespace: "default", logger };
    expect(await recentPass(parts)).toBeUndefined();
    await notePass(parts);
    expect(await recentPass(parts)).toEqual(clock.now());
  });

  it("is seen at every time while passes end, whatever their distance up to a minute, and not long after", async () => {
    const clock = manualClock();
    const parts = { store: makeStore({ clock }), namespace: "default", logger };
    for (const seconds of [15, 60, 1, 59, 60, 60, 60, 60, 7, 60, 60]) {
      await notePass(parts);
      await clock.advance(seconds);
      expect(await recentPass(parts)).toBeInstanceOf(Date);
    }
    await clock.advance(SIGN_SECONDS);
    expect(await recentPass(parts)).toBeUndefined();
  });
});

describe("reap", () => {
  it("does its work, and says so, where its sign cannot be written", async () => {
    const lines: unknown[][] = [];
    const warn = (...line: unknown[]): void => void lines.push(line);
    const { reap, spawn, clock, alive } = scene({
      logger: { ...logger, warn },
      through: (store) =>
        intercept(store, ["remember"], (_, [note]) => {
          if (String(Object(note).name).startsWith("reaper"))
            throw new AtlasError("STORE_UNAVAILABLE", "it is down");
        }),
    });
    await spawn({ maxLifetimeSeconds: 60 });
    await clock.advance(60);
    expect((await reap()).terminated).toHaveLength(1);
    expect(alive()).toEqual([]);
    const error = "STORE_UNAVAILABLE: it is down";
    expect(lines).toEqual([["the pass of the reaper could not be noted", { error }]]);
  });

  it("leaves the sign, and a dry run leaves none", async () => {
    const { atlas } = scene();
    await atlas.reap({ dryRun: true });
    expect(await recentPass(atlas.parts())).toBeUndefined();
    await atlas.reap();
    expect(await recentPass(atlas.parts())).toBeInstanceOf(Date);
  });
});
