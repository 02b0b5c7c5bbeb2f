import { describe, expect, it } from "vitest";
import type { AtlasErrorCode } from "../../src/errors.ts";
import type { Provider } from "../../src/provider.ts";
import { type MockFaultName, manualClock, mock } from "../../src/providers/mock/index.ts";
import { scene } from "../support/scene.ts";

const goesOn: readonly (readonly [MockFaultName, AtlasErrorCode])[] = [
  ["capacity", "CAPACITY"],
  ["quota", "QUOTA"],
  ["refused-pool", "FORBIDDEN"],
];
const ends: readonly (readonly [MockFaultName, AtlasErrorCode])[] = [
  ["bad-key", "AUTH_ERROR"],
  ["balance", "BILLING"],
  ["invalid", "VALIDATION"],
  ["rate-limit", "RATE_LIMIT"],
];

describe("law 3: failover only on a clean refusal", () => {
  it.each(goesOn)("goes on to the next candidate after %s", async (fault) => {
    const { spawn, provider, states } = scene();
    provider.script("create", fault, fault);
    const { id, gpu } = await spawn({ gpu: "h100" });
    expect(gpu).toBe("h100-pcie");
    expect(
      provider.calls.filter(({ operation }) => operation === "create").map(({ gpu: asked }) => asked),
    ).toEqual([...["h100-sxm", "h100-nvl", "h100-pcie"]]);
    expect(provider.instances.map(({ name }) => name)).toEqual([`atlas-default-${id}`]);
    expect(await states(id)).toEqual(["pending", "provisioning"]);
  });

  it("records in its events which candidates refused, and with which code a spawn failed", async () => {
    const { spawn, provider, atlas, failure } = scene();
    provider.script("create", "capacity", "quota");
    const { id } = await spawn({ gpu: "h100" });
    const placed = await Array.fromAsync(atlas.events(id, { follow: false }));
    const refused = placed.flatMap(({ data }) => data.refused ?? []);
    expect(refused).toMatchObject([
      { provider: "mock", gpu: "h100-sxm", code: "CAPACITY", reason: expect.any(String) },
      { provider: "mock", gpu: "h100-nvl", code: "QUOTA", reason: expect.any(String) },
    ]);
    const moves = placed.filter(({ data }) => data.candidate !== undefined);
    expect(moves.map(({ type, data }) => [type, data.candidate])).toEqual(Array(2).fill(["note", "mock"]));
    provider.script("create", "capacity", "bad-key");
    const { computeId = "" } = await failure(atlas.spawnCompute({ gpu: "h100" }));
    const failed = await Array.fromAsync(atlas.events(computeId, { follow: false }));
    expect(failed.at(-1)).toMatchObject({ type: "state", status: "failed", data: { code: "AUTH_ERROR" } });
    expect(failed.flatMap(({ data }) => data.refused ?? [])).toMatchObject([{ code: "CAPACITY" }]);
  });

  it.each(ends)("ends at %s, with the record failed and no other provider asked", async (fault, code) => {
    const clock = manualClock();
    const second = mock({ clock, name: "second" });
    const first = mock({ clock });
    const { atlas, failure, record } = scene({ clock, providers: [first, second] });
    first.script("create", { fault, retryAfterSeconds: 7 });
    const error = await failure(atlas.spawnCompute({ gpu: "h100" }));
    expect(error).toMatchObject({ code, provider: "mock" });
    expect(error.retryAfterSeconds).toBe(7);
    expect(first.calls.filter(({ operation }) => operation === "create")).toHaveLength(1);
    expect(second.instances).toEqual([]);
    expect(await record(error.computeId ?? "")).toMatchObject({
      status: "failed",
      reason: "failed",
      lastError: error.message,
    });
  });

  it("tells that no provider is configured", async () => {
    const { atlas, failure, records } = scene({ providers: [] });
    const { code, message, candidates } = await failure(atlas.spawnCompute({}));
    const expected = ["UNSUPPORTED", expect.stringContaining("add one to createAtlas"), []];
    expect([code, message, candidates]).toEqual(expected);
    expect(await records()).toEqual([]);
  });

  it("lists every candidate with its reason when no provider takes the request", async () => {
    const clock = manualClock();
    const providers = [
      mock({ clock, name: "one" }),
      mock({ clock, name: "two", gpus: [{ id: "l4" }] }),
    ] as const;
    providers[0].script("create", "capacity", "quota", "refused-pool", "capacity");
    providers[1].script("create", "capacity");
    const { atlas, failure, record } = scene({ clock, providers });
    const error = await failure(atlas.spawnCompute({ gpu: ["h100", "l4"], regions: ["mock-1"] }));
    const refusals = error.candidates?.map(({ provider, gpu, region, code }) => [
      provider,
      gpu,
      region,
      code,
    ]);
    expect(refusals).toEqual([
      ["one", "h100-sxm", "mock-1", "CAPACITY"],
      ["one", "h100-nvl", "mock-1", "QUOTA"],
      ["one", "h100-pcie", "mock-1", "FORBIDDEN"],
      ["one", "l4", "mock-1", "CAPACITY"],
      ["two", "l4", "mock-1", "CAPACITY"],
    ]);
    expect(error.code).toBe("CAPACITY");
    const reasons = error.candidates?.map(
      ({ provider, gpu, region, reason }) => `${provider} ${gpu} ${region}: ${reason}`,
    );
    expect(error.message).toBe(
      `no provider could place the request: ${reasons?.join("; ")}. Try again later, or allow other GPUs, regions or providers`,
    );
    expect(await record(error.computeId ?? "")).toMatchObject({ status: "failed", endedAt: clock.now() });
  });

  it("has the code QUOTA when every refusal has it", async () => {
    const { atlas, failure, provider } = scene();
    provider.script("create", { fault: "quota", times: 3 });
    expect(await failure(atlas.spawnCompute({ gpu: "h100" }))).toMatchObject({ code: "QUOTA" });
  });

  it("uses the second provider when the first can never serve it", async () => {
    const clock = manualClock();
    const providers = [mock({ clock, name: "one", gpus: [{ id: "l4" }] }), mock({ clock, name: "two" })];
    const { spawn } = scene({ clock, providers });
    expect(await spawn({ gpu: "b200" })).toMatchObject({ provider: "two", gpu: "b200" });
  });

  it.each(goesOn)("uses the second provider when the first offers nothing for %s", async (fault, code) => {
    const clock = manualClock();
    const [first, second] = [mock({ clock }), mock({ clock, name: "second" })];
    const { spawn, atlas, failure } = scene({ clock, providers: [first, second] });
    first.script("candidates", fault, fault);
    expect((await spawn()).provider).toBe("second");
    second.script("candidates", fault);
    const error = await failure(atlas.spawnCompute({}));
    expect(error.candidates).toMatchObject([
      { provider: "mock", code },
      { provider: "second", code },
    ]);
  });

  it("is UNSUPPORTED, with nothing stored, when no provider can ever serve it", async () => {
    const clock = manualClock();
    const providers = [
      mock({ clock, gpus: [{ id: "l4" }] }),
      mock({ clock, name: "second", gpus: [{ id: "l4" }] }),
    ];
    const { atlas, failure, records } = scene({ clock, providers });
    const error = await failure(atlas.spawnCompute({ gpu: "b200" }));
    expect(error).toMatchObject({
      code: "UNSUPPORTED",
      candidates: [{ provider: "mock" }, { provider: "second" }],
    });
    expect(await records()).toEqual([]);
  });

  it("stops at a provider's bad key before anything is stored, and asks no other provider", async () => {
    const clock = manualClock();
    const [first, second] = [mock({ clock }), mock({ clock, name: "second" })];
    const { atlas, failure, records } = scene({ clock, providers: [first, second] });
    first.script("candidates", "bad-key");
    expect(await failure(atlas.spawnCompute({}))).toMatchObject({ code: "AUTH_ERROR", provider: "mock" });
    expect(second.calls).toEqual([]);
    expect(await records()).toEqual([]);
  });

  it("is CAPACITY, with nothing stored, when a provider offers nothing and gives no reason", async () => {
    const clock = manualClock();
    const silent: Provider = { ...mock({ clock }), candidates: async () => [] };
    const { atlas, failure, records } = scene({ clock, providers: [silent] });
    const error = await failure(atlas.spawnCompute({}));
    const reason = "mock offers nothing that fits the request now";
    expect(error).toMatchObject({
      code: "CAPACITY",
      candidates: [{ provider: "mock", code: "CAPACITY", reason }],
      message: expect.stringContaining(`request: mock: ${reason}. Try`),
    });
    expect(await records()).toEqual([]);
  });
});

describe("a price", () => {
  const gpus = [
    { id: "dear", costPerHour: 5 },
    { id: "cheap", costPerHour: 1 },
    { id: "fair", costPerHour: 1.5 },
  ];

  it("over maxCostPerHour rules a candidate out before anybody is asked, for the whole machine", async () => {
    const { spawn, atlas, failure, provider } = scene({ mock: { gpus } });
    expect((await spawn({ gpu: ["dear", "cheap"], maxCostPerHour: 2 })).gpu).toBe("cheap");
    expect((await spawn({ gpu: ["dear", "cheap"], maxCostPerHour: 5 })).gpu).toBe("dear");
    const error = await failure(
      atlas.spawnCompute({ gpu: ["dear", "cheap"], gpuCount: 3, maxCostPerHour: 2 }),
    );
    const code = "CAPACITY";
    expect(error).toMatchObject({
      code,
      candidates: [
        { gpu: "dear", code },
        { gpu: "cheap", code },
      ],
    });
    expect(error.message).toContain("it costs 15 dollars an hour, maxCostPerHour is 2");
    expect(provider.instances).toHaveLength(2);
  });

  it("that is not known rules a candidate out where cost is limited, and not elsewhere", async () => {
    const clock = manualClock();
    const inner = mock({ clock, gpus });
    const unpriced: Provider = {
      ...inner,
      candidates: async (...call) =>
        (await inner.candidates(...call)).map(({ costPerHour: _, ...rest }) => rest),
    };
    const options = { clock, providers: [unpriced] };
    const { atlas, failure, spawn } = scene(options);
    const error = await failure(atlas.spawnCompute({ gpu: "cheap", maxCostPerHour: 2 }));
    expect(error.candidates).toMatchObject([
      { gpu: "cheap", reason: expect.stringContaining("price is not known") },
    ]);
    expect((await spawn({ gpu: "cheap" })).costPerHour).toBe(1);
    const limited = scene({ ...options, limits: { costPerHour: 20 } });
    expect(await limited.failure(limited.atlas.spawnCompute({ gpu: "cheap" }))).toMatchObject({
      code: "CAPACITY",
    });
    const perUser = scene({ ...options, limits: { costPerHourPerUser: 20 } });
    expect((await perUser.spawn({ gpu: "cheap" })).gpu).toBe("cheap");
    expect(await perUser.failure(perUser.atlas.spawnCompute({ gpu: "cheap", userId: "u" }))).toMatchObject({
      code: "CAPACITY",
    });
  });

  it("that would break a limit gives way to a cheaper candidate, first or later", async () => {
    const { spawn, provider } = scene({ mock: { gpus }, limits: { costPerHour: 3 } });
    expect((await spawn({ gpu: ["dear", "cheap"] })).gpu).toBe("cheap");
    provider.script("create", "capacity");
    expect((await spawn({ gpu: ["cheap", "dear", "fair"] })).gpu).toBe("fair");
  });

  it("that would break a limit in every case is LIMIT_EXCEEDED, with nothing stored", async () => {
    const { atlas, failure, records } = scene({ mock: { gpus }, limits: { costPerHour: 0.5 } });
    const error = await failure(atlas.spawnCompute({ gpu: ["dear", "cheap"] }));
    expect(error).toMatchObject({
      code: "LIMIT_EXCEEDED",
      details: { limit: "costPerHour", allowed: 0.5, total: 5 },
    });
    expect(error.candidates).toHaveLength(2);
    expect(await records()).toEqual([]);
  });
});
