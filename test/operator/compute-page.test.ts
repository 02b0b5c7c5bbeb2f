import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dollars, duration } from "../../src/operator/format.ts";
import { pointsOf } from "../../src/operator/views/charts.tsx";
import { deskUnderTest } from "./desk.ts";

describe("the page of a compute", () => {
  it("shows its facts, reports, GPU health, refused candidates, events and log lines", async () => {
    const { atlas, clock, provider, get } = deskUnderTest();
    provider.script("create", "capacity");
    const { id } = await clock.settle(
      atlas.spawnCompute({
        userId: "ann",
        gpu: "h100",
        ports: [8000],
        slot: "notebook",
        metadata: { team: "blue" },
      }),
    );
    for (const utilizationPercent of [10, 90])
      await atlas.recordReport(id, "gpu-health", {
        gpus: [
          { index: 0, healthy: false, reason: "ECC errors", temperatureCelsius: 71, utilizationPercent },
        ],
      });
    await atlas.recordReport(id, "status", { status: "loading", detail: "model.bin" });
    const html = await (await get(`/computes/${id}`)).text();
    for (const text of [
      "ann",
      "notebook",
      "team",
      "blue",
      "model.bin",
      "ECC errors",
      "unhealthy",
      "CAPACITY",
      "h100-sxm",
    ])
      expect(html).toContain(text);
    expect(html).toContain("Utilization: 90 % now, 2 values between 10 and 90 %");
    expect(html).toContain("Last log lines");
    expect((await get("/computes/abcdefghij0123456789")).status).toBe(404);
  });

  it("is shown without log lines when the provider cannot read them, or takes too long", async () => {
    for (const fault of ["error-before", "hang"] as const) {
      const { atlas, clock, provider, get } = deskUnderTest();
      const { id } = await clock.settle(atlas.spawnCompute({ ports: [8000] }));
      provider.script("logs", fault, fault, fault, fault, fault);
      const response = await clock.settle(get(`/computes/${id}`));
      expect([response.status, await response.text()]).toEqual([
        200,
        expect.stringContaining("No log lines:"),
      ]);
    }
  });
});

describe("the figures of the page", () => {
  it.each([
    [0, "0 s"],
    [59.4, "59 s"],
    [60, "1 min"],
    [3599, "59 min"],
    [11_100, "3 h 05 min"],
    [187_200, "2 d 4 h"],
    [-5, "0 s"],
  ])("write %d seconds as %s", (seconds, text) => expect(duration(seconds)).toBe(text));

  it.each([
    [null, "–"],
    [0, "$0.00"],
    [0.0456, "$0.046"],
    [1234.5, "$1,234.50"],
  ])("write %s dollars as %s", (amount, text) => expect(dollars(amount)).toBe(text));

  it("draw every line inside its chart, from edge to edge", () => {
    const values = fc.array(fc.double({ min: -1000, max: 1e6, noNaN: true }), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(values, (drawn) => {
        const points = pointsOf(drawn, 100)
          .split(" ")
          .map((point) => point.split(",").map(Number));
        expect([points[0]?.[0], points.at(-1)?.[0]]).toEqual([0, 120]);
        for (const [, y = -1] of points) expect(y >= 1 && y <= 27).toBe(true);
      }),
    );
  });
});
