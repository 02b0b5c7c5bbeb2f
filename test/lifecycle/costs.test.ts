import { describe, expect, it } from "vitest";
import { scene } from "../support/scene.ts";

const HOUR = 3600;

describe("costs", () => {
  it("sum what ended and what runs, by user, provider and GPU", async () => {
    const { atlas, spawn, settle, clock } = scene({ mock: { costPerHour: 2 } });
    const first = await spawn({ userId: "ann", gpu: "l4" });
    await spawn({ userId: "bob", gpu: "h100" });
    await clock.advance(HOUR);
    await settle(atlas.terminate(first.id));
    await clock.advance(HOUR);
    const byUser = await atlas.costs({ by: "user" });
    expect(byUser.map(({ key, computes }) => [key, computes])).toEqual([
      ["bob", 1],
      ["ann", 1],
    ]);
    expect(byUser[0]?.cost).toBeCloseTo(4, 1);
    expect(byUser[1]?.cost).toBeCloseTo(2, 1);
    expect(byUser[1]?.seconds).toBeCloseTo(HOUR, -2);
    const [all] = await atlas.costs({ by: "provider" });
    expect(all).toMatchObject({ key: "mock", computes: 2 });
    expect(all?.cost).toBeCloseTo(6, 1);
    expect((await atlas.costs({ by: "gpu" })).map(({ key }) => key)).toHaveLength(2);
  });

  it.each([
    [{ by: "slot" }, /by: got "slot"/],
    [{ by: "user", from: "2026-02-30" }, /from: got "2026-02-30"/],
    [{ by: "user", to: "yesterday" }, /to: got "yesterday"/],
    [{ by: "user", from: new Date(Number.NaN) }, /from/],
    [
      { by: "user", from: "2026-03-02", to: "2026-03-01" },
      /from is "2026-03-02", which is after to, "2026-03-01"/,
    ],
    [{ by: "user", untill: "2026-03-01" }, /untill/],
  ])("refuse %o", async (options, message) => {
    const { atlas, failure } = scene();
    const error = await failure(atlas.costs(options as never));
    expect(error.code).toBe("VALIDATION");
    expect(error.message).toMatch(message);
  });
});
