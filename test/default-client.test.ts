import { afterEach, describe, expect, it, vi } from "vitest";
import { spawnCompute } from "../src/index.ts";
import { failureOf } from "./support/failure-of.ts";

afterEach(() => vi.unstubAllEnvs());

describe("spawnCompute without a client", () => {
  it("names the variables to set when no provider is configured, each time anew", async () => {
    for (const name of ["RUNPOD_API_KEY", "FLY_API_TOKEN", "FLY_ORG"]) vi.stubEnv(name, undefined);
    for (let time = 0; time < 2; time += 1) {
      const error = await failureOf(spawnCompute({ gpu: "h100" }));
      expect(error.code).toBe("VALIDATION");
      expect(error.message).toContain(
        "set RUNPOD_API_KEY, or FLY_API_TOKEN with FLY_ORG, or make a client with createAtlas",
      );
    }
  });

  it("checks the request before it asks anybody", async () => {
    vi.stubEnv("RUNPOD_API_KEY", "rpa_key_of_a_test");
    expect(await failureOf(spawnCompute({ gpuCount: 0.5 }))).toMatchObject({
      code: "VALIDATION",
      message: expect.stringContaining("gpuCount: got 0.5"),
    });
  });
});
