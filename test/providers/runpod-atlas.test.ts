import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Atlas, createAtlas } from "../../src/atlas.ts";
import type { RunJobRequest } from "../../src/index.ts";
import { runpod } from "../../src/providers/runpod/index.ts";
import type { SpawnRequest } from "../../src/request.ts";
import { type LeapingClock, leapingClock } from "../fakes/clock.ts";
import { type FakeRunpod, fakeRunpod } from "../fakes/runpod.ts";
import { type ServedFake, serveFake } from "../fakes/serve.ts";
import { failureOf } from "../support/failure-of.ts";

const WISH: SpawnRequest = {
  gpu: "rtx-4090",
  image: "ghcr.io/me/server:1",
  ports: [8000],
  env: { MODEL: "llama" },
  userId: "user_42",
  providerOptions: { runpod: { cloud: "ANY" } },
};

let clock: LeapingClock;
let fake: FakeRunpod;
let served: ServedFake;
let atlas: Atlas;

beforeEach(async () => {
  clock = leapingClock();
  fake = fakeRunpod({ clock });
  served = await serveFake(fake.handler);
  const baseUrl = `${served.url}/v2`;
  const provider = runpod({ apiKey: fake.apiKey, baseUrl, jobsBaseUrl: baseUrl, clock });
  atlas = createAtlas({ providers: [provider] });
});

afterEach(async () => {
  await atlas.close();
  await served.close();
  expect(fake.contract?.violations ?? []).toEqual([]);
});

const alive = (): FakeRunpod["pods"] => fake.pods.filter((pod) => fake.statusOf(pod) !== "TERMINATED");

describe("a compute on RunPod, over real HTTP", () => {
  it("is one pod that holds the token which the caller got, and ends when it is terminated", async () => {
    const compute = await atlas.spawnCompute(WISH);
    const [pod] = alive();
    expect(pod?.body.name).toBe(`atlas-default-${compute.id}`);
    expect(pod?.body.env).toMatchObject({ MODEL: "llama", ATLAS_COMPUTE_ID: compute.id });
    expect(pod?.body.env?.ATLAS_PRESHARED_KEY).toBe(compute.auth?.token);
    expect(compute.url(8000, "/v1")).toBe(`https://${pod?.id}-8000.proxy.runpod.net/v1`);
    expect(inspect(compute, { depth: 9 })).not.toContain(compute.auth?.token);
    await atlas.terminate(compute.id);
    expect(alive()).toEqual([]);
  });

  it("is FORBIDDEN, and not worth a repeat, when the key may not create pods anywhere", async () => {
    fake.fault("create", "refused-pool", 10);
    const error = await failureOf(atlas.spawnCompute(WISH));
    expect(error).toMatchObject({ code: "FORBIDDEN", retryable: false });
    expect(error.candidates?.map(({ code }) => code)).toEqual(["FORBIDDEN", "FORBIDDEN"]);
  });

  it("is CAPACITY when one place is forbidden and another is full", async () => {
    fake.fault("create", "refused-pool");
    fake.fault("create", "capacity");
    expect(await failureOf(atlas.spawnCompute(WISH))).toMatchObject({ code: "CAPACITY", retryable: true });
  });

  it("is not made twice when the create was answered with 500 and made the pod", async () => {
    fake.fault("create", "error-after");
    const compute = await atlas.spawnCompute(WISH);
    expect(fake.pods.map(({ id }) => id)).toEqual([compute.providerId]);
  });

  it("goes to the next cloud when the first is full, and says what each one said when all are", async () => {
    fake.fault("create", "capacity");
    const compute = await atlas.spawnCompute(WISH);
    expect(alive().map(({ body }) => body.cloud)).toEqual(["SECURE"]);
    await atlas.terminate(compute.id);
    fake.fault("create", "capacity", 2);
    await expect(atlas.spawnCompute(WISH)).rejects.toMatchObject({
      code: "CAPACITY",
      candidates: [
        { provider: "runpod", gpu: "rtx-4090", code: "CAPACITY" },
        { provider: "runpod", gpu: "rtx-4090", code: "CAPACITY" },
      ],
    });
  });

  it("is not placed at all when nothing is cheap enough, and the error has the prices", async () => {
    await expect(atlas.spawnCompute({ ...WISH, maxCostPerHour: 0.1 })).rejects.toThrow(
      /0\.34 dollars.*0\.74 dollars/s,
    );
    expect(fake.pods).toEqual([]);
  });

  it.each([{ ttlSeconds: 1 }, { priority: 1 }, "short"])("refuses the policy %o of a job", async (policy) => {
    const job = { endpoint: "ep1", input: 1, policy } as RunJobRequest;
    const error = await failureOf(atlas.runJob(job));
    expect(error.code).toBe("VALIDATION");
    expect(error.message).toMatch(/policy/);
  });
});
