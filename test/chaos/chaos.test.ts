import { rm } from "node:fs/promises";
import { expect, it } from "vitest";
import { faultFor } from "./faults.ts";
import { sum } from "./figures.ts";
import { runChaos } from "./run.ts";

it("a short storm doubles, forgets and tells nothing", { timeout: 120_000 }, async () => {
  const result = await runChaos({ seed: 75, seconds: 6, spawns: 500, applications: 2, reapers: 2 });
  expect(result.findings).toEqual([]);
  expect(result.leaks).toBe(0);
  expect(result.provider.pods.length).toBeGreaterThan(0);
  expect(sum(result.provider.faults)).toBeGreaterThan(0);
  expect(result.kills).toBeGreaterThanOrEqual(4);
  await rm(result.folder, { recursive: true });
});

it("a seed decides what goes wrong with which request", () => {
  const faults = (seed: number): unknown =>
    Array.from({ length: 1000 }, (_, number) => faultFor(seed, number, "create"));
  expect(faults(1)).toEqual(faults(1));
  expect(faults(1)).not.toEqual(faults(2));
});
