import { describe, expect, it } from "vitest";
import { scene } from "../support/scene.ts";

describe("totals", () => {
  it("count the live computes of each user and add up their cost, the costliest first", async () => {
    const { atlas, spawn, clock, settle } = scene({ mock: { costPerHour: 2 } });
    for (const userId of ["ann", "bob", "bob"]) await spawn({ gpu: "l4", userId });
    const { id } = await spawn({ gpu: "l4", userId: "ann" });
    await settle(atlas.terminate(id));
    await clock.advance(1800);
    expect(await atlas.totals({ by: ["userId"] })).toMatchObject([
      { keys: ["bob"], computes: 2, costPerHour: 4, costSoFar: expect.closeTo(2, 2) },
      { keys: ["ann"], computes: 1, costPerHour: 2, costSoFar: expect.closeTo(1, 2) },
    ]);
    expect(await atlas.totals({ by: ["userId", "status"], status: "terminated" })).toMatchObject([
      { keys: ["ann", "terminated"], computes: 1 },
    ]);
    expect(await atlas.totals({ by: ["userId"], limit: 1 })).toHaveLength(1);
  });

  it("refuse a question without a group, or with an unknown one", async () => {
    const { atlas } = scene();
    for (const by of [[], ["tokens"], "userId"])
      await expect(Reflect.apply(atlas.totals, atlas, [{ by }])).rejects.toMatchObject({
        code: "VALIDATION",
      });
  });
});
